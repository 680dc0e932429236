"""A desk that was set up and is in use: what there is on every page, and who looks at it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.test import Client

from kesu.accounts import invitations
from kesu.accounts.actor import Actor, Via
from kesu.accounts.models import User
from kesu.alerts import ladders, rotas, services
from kesu.alerts.models import Channel, Ladder, LadderRule, PersonAddress, PersonHours
from kesu.audit.actions import Action
from kesu.audit.services import record
from kesu.commands import verbs
from kesu.commands.models import Allowance, QuickReply
from kesu.commands.reading import note_view
from kesu.merchants.models import Account
from kesu.merchants.watch import start_watching
from kesu.webhooks import endpoints
from kesu.webhooks.endpoints import Wanted
from kesu.webhooks.models import Delivery, Event
from tests.accounts.conftest import enter, set_up_totp
from tests.desk_seeds import PASSWORD, make_user, push, say, working_day

STEPS = [{"clock": clock, "overdue_every": "2h", "to": ["rota:night"]} for clock in ("reply", "complete")]


@dataclass(frozen=True)
class Office:
    """``numbers`` fill the addresses of ``pages``; ``sessions`` are the cookies of its people, by what they are."""

    numbers: dict[str, Any]
    sessions: dict[str, str]


def office(now: datetime) -> Office:
    """``tests.desk_seeds.working_day``, and all that an owner can set up besides."""
    day = working_day(now)
    push(day["channel"], day["overdue"], "reply_overdue", now, state="failed", doubtful=True, error="no answer")
    numbers = {
        "case": lived_in_case(day, now).pk,
        "finished": day["account"].complaint_set.get(state="PROCESSED").pk,
        "account": day["account"].pk,
        "partner": Account.objects.get(role="partner").pk,
        "person": day["other_user"].pk,
        "me": day["user"].pk,
        "channel": day["channel"].pk,
        "dead": Channel.objects.get(dead_since__isnull=False).pk,
        "invitation": invitations.invite(None, "agent", all_merchants=True, now=now)[1],
        "webhook": _webhook(day, now),
        **_wake(day, now),
        **_settings(day, now),
    }
    return Office(numbers, {**_staff(day["user"]), **_secured(numbers)})


def lived_in_case(day: dict[str, Any], now: datetime) -> Any:
    """The seeds' case with templates, notes, and somebody else looking."""
    case = day["case"]
    QuickReply.objects.create(name="致歉", text="您好, 非常抱歉, 订单 {order} 我们正在核对。", changed_at=now)
    verbs.note(Actor(day["other_user"], Via.PAGE, "203.0.113.7"), case, "仓库说周五补发", now=now)
    note_view(day["other_user"], case, now=now)
    say(case, "USER_RESPONSE", now, "好的, 同意退一半", "投诉人")
    return case


def _wake(day: dict[str, Any], now: datetime) -> dict[str, Any]:
    user, channel = day["user"], day["channel"]
    user.wecom_userid = "wangxiaoming"
    user.save()
    night = make_user("zhang", "张三", role="agent", wecom_userid="zhangsan", refund_limit=5_000)
    row = rotas.create("night", [user, night], 1, 9, now=now)
    rotas.override(row, night, now + timedelta(days=1), now + timedelta(days=2, hours=3))
    spare = rotas.create("spare", [user], 1, 9, now=now)
    services.set_ladders({"ladders": {"mine": STEPS, "spare": STEPS}, "rules": [{"ladder": "mine"}]}, now=now)
    services.set_personal_quiet_hours(user, "22:00-08:00")
    services.set_address(user, "dingtalk_robot", "13800000000")
    channel.mentions = ["wangxiaoming"]
    channel.save()
    services.set_quiet_hours(channel, "22:00-08:00", now=now)
    assert not ladders.naming("rota:spare")
    return {
        "rota": row.pk,
        "ladder": "mine",
        "admin_ladder": Ladder.objects.get(name="spare").pk,
        "admin_ladderrule": LadderRule.objects.get().pk,
        "admin_rota": spare.pk,
        "admin_personhours": PersonHours.objects.get().pk,
        "admin_personaddress": PersonAddress.objects.get().pk,
        "admin_channel": channel.pk,
    }


def _settings(day: dict[str, Any], now: datetime) -> dict[str, Any]:
    account = day["account"]
    start_watching(account, now=now)
    Allowance.objects.create(account=account, kind="phone", value="400-800-1234", created_at=now)
    for minutes in range(3):
        at = now - timedelta(minutes=minutes)
        record(None, Action.SETTING_CHANGED, f"merchant:{account.mchid}", {"name": "云上书店"}, now=at)
    return {"template": QuickReply.objects.get(name="致歉").pk}


def _webhook(day: dict[str, Any], now: datetime) -> int:
    wanted = Wanted("工单系统", "http://127.0.0.1/hook/token", ["complaint.created", "complaint.continued"])
    endpoint, _ = endpoints.add(wanted, created_by=day["user"], now=now)
    for number, state in enumerate(Delivery.State.values):
        event = Event.objects.create(
            event_id=f"00000000-0000-4000-8000-{number:012d}",
            type="complaint.created",
            complaint=day["overdue"],
            cause=f"created:{number}",
            data=json.dumps({"complaint_id": day["overdue"].complaint_id}),
            created_at=now,
        )
        Delivery.objects.create(
            endpoint=endpoint,
            event=event,
            state=state,
            attempts=2,
            error="HTTP 500: internal error" if state == "failed" else "",
            due_at=now,
            created_at=now,
            delivered_at=now if state == "delivered" else None,
        )
    return endpoint.pk


def _staff(owner: User) -> dict[str, str]:
    """Sessions without a sign-in, and one of somebody who came in by the form and confirmed who they are."""
    found = {"owner": session(owner)}
    for role in ("manager", "agent", "viewer", "auditor"):
        found[role] = session(make_user(f"a-{role}", f"A {role}", role=role))
    make_user("confirmed", "小赵")
    found["confirmed"] = _cookie(_confirmed("confirmed"))
    return found


def _secured(numbers: dict[str, Any]) -> dict[str, str]:
    """Somebody with a second step and a passkey; and half-way through signing in. Tells ``numbers`` of the passkey."""
    make_user("secured", "小钱")
    client = _confirmed("secured")
    set_up_totp(client)
    keyed = make_user("keyed", "小孙")
    with_key = _confirmed("keyed")  # before there is a key, which would be asked for
    key = Authenticator.objects.create(user=keyed, type="webauthn", data={"name": "小钱的手机", "credential": {}})
    numbers["passkey"] = key.pk
    half = Client()
    enter(half, "secured")
    return {"secured": _cookie(client), "keyed": _cookie(with_key), "half": _cookie(half)}


def _confirmed(name: str) -> Client:
    client = Client()
    enter(client, name)
    client.post("/me/confirm", {"password": PASSWORD})
    return client


def session(user: User) -> str:
    """The cookie of a new session."""
    client = Client()
    client.force_login(user)
    return _cookie(client)


def _cookie(client: Client) -> str:
    value: str = client.cookies[settings.SESSION_COOKIE_NAME].value
    return value
