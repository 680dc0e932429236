"""Cards with buttons, from the push to the greyed button: a desk, WeCom's look-alike, and the callback between them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from a2wsgi import WSGIMiddleware
from django.core.wsgi import get_wsgi_application
from pytest_django import Settings

from kesu import clock
from kesu.accounts.models import User
from kesu.alerts import cards, queries, services
from kesu.alerts.channels.wecom_app.crypto import CallbackCrypto
from kesu.alerts.models import Card, Channel, Click, Message
from kesu.complaints.models import Complaint
from kesu.sandbox import Identity, Sandbox
from kesu.sandbox.errors import ScriptError
from kesu.sandbox.faults import Fault
from kesu.sandbox.state import AppMessage

from ..conftest import START, Desk
from .conftest import BASE_URL

TOKEN, KEY = "QDG6eK", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
STAFF = ["ZhangSan", "LiSi", "WangJingLi"]


class Office:
    """A desk whose staff get cards in WeCom and press their buttons."""

    def __init__(self, desk: Desk, sandbox: Sandbox) -> None:
        self.desk = desk
        self.sandbox = sandbox
        self.app = sandbox.wecom_apps.create(list(STAFF))
        settings = {
            "corpid": self.app.corpid,
            "agentid": self.app.agentid,
            "secret": self.app.secret,
            "receivers": STAFF,
            "api_url": BASE_URL,
            "callback_token": TOKEN,
            "callback_key": KEY,
        }
        self.channel = services.add_channel("应用", "wecom_app", settings, language="en", now=desk.now)
        self.callback_url = f"http://desk.test/callbacks/wecom/{self.channel.pk}"
        self.people = {
            name: User.objects.create(username=name.lower(), display_name=shown, wecom_userid=name)
            for name, shown in zip(STAFF, ["张三", "李四", "王经理"], strict=True)
        }

    def connect(self) -> None:
        """What an administrator does in WeCom's console."""
        self.run(
            self.sandbox.wecom_apps.set_callback(self.app.agentid, self.callback_url, TOKEN, KEY, now=self.desk.now)
        )

    def card(self) -> AppMessage:
        """Push a new complaint; its card."""
        self.desk.new()
        self.desk.dispatch()
        return self.messages()[-1]

    def press(self, message: AppMessage, userid: str = "LiSi", **options: Any) -> dict[str, Any]:
        key = (message.card or {})["button_list"][0]["key"]
        return self.run(self.sandbox.wecom_apps.press(message.n, userid, key, now=self.desk.now, **options))

    def change_cards(self) -> int:
        return self.run(cards.grey_due(lambda: self.desk.now, transports=self.desk.transports))

    def messages(self) -> list[AppMessage]:
        return self.sandbox.wecom_apps.messages_after(0)

    def run(self, work: Any) -> Any:
        async def inner() -> Any:
            return await work

        return asyncio.run(inner())


@pytest.fixture
def office(desk: Desk, identity: Identity, settings: Settings, tmp_path: Path) -> Iterator[Office]:
    settings.ROOT_URLCONF = "tests.alerts.channels.urls"
    settings.ALLOWED_HOSTS = ["desk.test"]
    transport = httpx2.ASGITransport(app=WSGIMiddleware(get_wsgi_application()))  # type: ignore[arg-type]
    sandbox = Sandbox.create(
        tmp_path / "sandbox", start=START, speed=0, base_url=BASE_URL, identity=identity, transport=transport
    )
    desk.sandbox = sandbox
    desk.transports = {kind: httpx2.ASGITransport(app=sandbox.app) for kind in ("wecom_app", "wecom_robot")}
    clock.link(tmp_path, tmp_path / "sandbox" / "clock.json")
    clock.follow(tmp_path)
    made = Office(desk, sandbox)
    made.connect()
    yield made
    clock.follow(settings.KESU_DATA)


def test_the_address_is_checked_before_wecom_saves_it(office: Office) -> None:
    assert office.app.callback_url == office.callback_url


def test_an_address_with_another_key_does_not_pass_the_check(office: Office) -> None:
    with pytest.raises(ScriptError, match="403"):
        office.run(
            office.sandbox.wecom_apps.set_callback(
                office.app.agentid,
                office.callback_url,
                TOKEN,
                "6qkdMrq68nTKduznJYO1A37W2oEgpkMUvkttRToqhUt",
                now=office.desk.now,
            )
        )


def test_a_button_claims_the_case_for_whoever_pressed_it(office: Office) -> None:
    found = office.press(office.card(), "LiSi")
    assert found == {"statuses": [200], "label": "Claimed: 李四"}
    assert Complaint.objects.get().claimed_by == office.people["LiSi"]


def test_the_others_buttons_are_greyed_with_the_code_of_the_press(office: Office) -> None:
    message = office.card()
    office.press(message, "LiSi")
    assert office.change_cards() == 1
    assert message.greyed == dict.fromkeys(STAFF, "Claimed: 李四")
    card = Card.objects.get()
    assert (card.shown, card.click_code, bool(card.sent_code), card.due_at) == ("claimed", None, True, None)


def test_the_card_says_so_when_the_case_is_answered_and_again_when_it_is_claimed_first(office: Office) -> None:
    platform, _ = office.desk.new()
    office.desk.dispatch()
    (message,) = office.messages()
    office.press(message, "LiSi")
    office.change_cards()
    office.desk.answered(platform)
    assert office.change_cards() == 1
    assert message.greyed == dict.fromkeys(STAFF, "Answered")
    assert message.updates == 2


def test_a_case_that_is_closed_without_any_press_greys_its_card(office: Office) -> None:
    platform, _ = office.desk.new()
    office.desk.dispatch()
    office.desk.closed(platform)
    office.change_cards()
    assert office.messages()[0].greyed == dict.fromkeys(STAFF, "Closed")


def test_a_claim_at_the_desk_greys_the_card(office: Office) -> None:
    message = office.card()
    services.claim(office.people["ZhangSan"], Complaint.objects.get(), now=office.desk.now)
    office.change_cards()
    assert message.greyed == dict.fromkeys(STAFF, "Claimed: 张三")


def test_a_used_code_is_never_used_again(office: Office) -> None:
    platform, complaint = office.desk.new()
    office.desk.dispatch()
    services.claim(office.people["ZhangSan"], complaint, now=office.desk.now)
    office.change_cards()
    office.desk.answered(platform)
    assert office.change_cards() == 0
    assert office.sandbox.state.counters.get("wecom_app_updates_refused_40058", 0) == 0


def test_after_72_hours_no_code_is_tried(office: Office) -> None:
    platform, _ = office.desk.new()
    office.desk.dispatch()
    office.desk.wait(hours=72)
    office.desk.closed(platform)
    assert office.change_cards() == 0
    assert Card.objects.get().sent_code is None


def test_a_reminder_of_an_answered_case_is_not_greyed_as_answered(office: Office) -> None:
    platform, _ = office.desk.new()
    office.desk.dispatch()
    office.desk.answered(platform)
    office.change_cards()
    office.desk.wait(hours=49)
    services.raise_due_clocks(now=office.desk.now)
    office.desk.dispatch()
    office.desk.see(platform)
    office.change_cards()
    first, reminder = office.messages()
    assert (first.greyed["LiSi"], reminder.greyed) == ("Answered", {})


def test_a_case_somebody_else_has_stays_with_them_and_the_button_says_so(office: Office) -> None:
    message = office.card()
    office.press(message, "LiSi")
    assert office.press(message, "ZhangSan")["label"] == "Claimed: 李四"
    assert Complaint.objects.get().claimed_by == office.people["LiSi"]
    assert list(Click.objects.order_by("pk").values_list("outcome", flat=True)) == ["claimed", "taken"]


def test_a_callback_that_wecom_repeats_is_answered_alike_and_does_nothing_twice(office: Office) -> None:
    message = office.card()
    found = office.press(message, "LiSi", again=2)
    assert found == {"statuses": [200, 200, 200], "label": "Claimed: 李四"}
    assert Click.objects.count() == 1


def test_a_repeated_callback_after_a_release_does_not_claim_again(office: Office) -> None:
    message = office.card()
    apps = office.sandbox.wecom_apps
    key = (message.card or {})["button_list"][0]["key"]
    xml = apps._event(office.app, message, "LiSi", key, office.desk.now)
    office.run(apps._call(office.app, xml, office.desk.now))
    services.release(office.people["LiSi"], Complaint.objects.get(), now=office.desk.now)
    office.run(apps._call(office.app, xml, office.desk.now))
    assert Complaint.objects.get().claimed_by is None


@pytest.mark.parametrize("case", ["unknown", "inactive", "two"])
def test_whoever_is_not_exactly_one_member_of_staff_claims_nothing(office: Office, case: str) -> None:
    message = office.card()
    if case == "unknown":
        User.objects.filter(wecom_userid="LiSi").update(wecom_userid="")
    elif case == "inactive":
        User.objects.filter(wecom_userid="LiSi").update(is_active=False)
    else:
        User.objects.create(username="other", wecom_userid="lisi")
    assert office.press(message, "LiSi")["label"] == "Unknown account"
    assert Complaint.objects.get().claimed_by is None


def test_account_ids_do_not_tell_upper_from_lower_case(office: Office) -> None:
    User.objects.filter(wecom_userid="LiSi").update(wecom_userid="lisi")
    assert office.press(office.card(), "LiSi")["label"] == "Claimed: 李四"


def test_a_button_of_an_earlier_installation_names_no_case_here(office: Office, settings: Settings) -> None:
    message = office.card()
    settings.SECRET_KEY = "another installation's"
    assert office.press(message, "LiSi")["label"] == "Expired"
    assert Complaint.objects.get().claimed_by is None


def test_a_closed_case_is_not_claimed(office: Office) -> None:
    platform, _ = office.desk.new()
    office.desk.dispatch()
    office.desk.closed(platform)
    assert office.press(office.messages()[0], "LiSi")["label"] == "Closed"
    assert Complaint.objects.get().claimed_by is None


def test_the_cards_of_every_reminder_are_greyed(office: Office) -> None:
    platform, _ = office.desk.new()
    office.desk.dispatch()
    office.desk.wait(hours=1)
    services.raise_due_clocks(now=office.desk.now)
    office.desk.dispatch()
    assert len(office.messages()) == 2
    office.desk.closed(platform)
    office.change_cards()
    assert [message.greyed.get("LiSi") for message in office.messages()] == ["Closed", "Closed"]


def test_a_released_case_is_not_shown_as_claimed_any_more(office: Office) -> None:
    message = office.card()
    office.press(message, "LiSi")
    office.change_cards()
    assert message.greyed["ZhangSan"] == "Claimed: 李四"
    services.release(office.people["LiSi"], Complaint.objects.get(), now=office.desk.now)
    assert office.change_cards() == 1
    assert (message.greyed["ZhangSan"], message.greyed["LiSi"]) == ("Released", "Released")
    # Both codes are used up by now: the link still opens the case.
    services.claim(office.people["LiSi"], Complaint.objects.get(), now=office.desk.now)
    assert office.change_cards() == 0


def test_a_card_that_could_not_be_changed_is_tried_again_later(office: Office) -> None:
    platform, _ = office.desk.new()
    office.desk.dispatch()
    office.desk.closed(platform)
    office.sandbox.faults.order(Fault("wecom_app", "errcode", -1, count=1, path="/update_template_card"))
    office.change_cards()
    assert office.messages()[0].greyed == {}
    assert queries.next_due(now=office.desk.now) == office.desk.now + timedelta(seconds=5)
    office.desk.wait(seconds=5)
    office.change_cards()
    assert office.messages()[0].greyed["LiSi"] == "Closed"


def test_a_card_that_cannot_be_changed_is_given_up(office: Office) -> None:
    platform, _ = office.desk.new()
    office.desk.dispatch()
    office.desk.closed(platform)
    office.sandbox.faults.order(Fault("wecom_app", "errcode", -1, path="/update_template_card"))
    for _ in range(6):
        office.change_cards()
        office.desk.wait(minutes=15)
    card = Card.objects.get()
    assert (card.due_at, card.failures, card.error) == (None, 4, "-1 refused on request")


def test_a_refused_code_is_dropped_at_once(office: Office) -> None:
    platform, _ = office.desk.new()
    office.desk.dispatch()
    office.app.codes.clear()
    office.desk.closed(platform)
    office.change_cards()
    assert office.change_cards() == 0
    card = Card.objects.get()
    assert (card.sent_code, card.error) == (None, "40058 invalid response_code")


def test_a_press_while_the_card_is_being_changed_is_not_forgotten(office: Office) -> None:
    """The answer comes between reading what is due and recording it."""
    platform, _ = office.desk.new()
    office.desk.dispatch()
    message = office.messages()[0]
    office.press(message, "LiSi")
    (change,) = cards._take_due(now=office.desk.now, limit=9)
    office.desk.answered(platform)
    cards._record(change, None, now=office.desk.now)
    assert office.change_cards() == 1
    assert message.greyed["ZhangSan"] == "Answered"


def test_the_message_log_shows_who_was_not_reached(office: Office) -> None:
    office.app.members.remove("WangJingLi")
    office.card()
    (attempt,) = queries.delivery_log().attempts
    assert (attempt.outcome, attempt.answer) == ("sent", "not reached: invaliduser: wangjingli")


def test_a_dead_application_is_told_elsewhere_with_its_address(office: Office) -> None:
    office.desk.channel("备用群", standby=True)
    office.sandbox.faults.order(Fault("wecom_app", "errcode", 60020, path="/message/send"))
    office.desk.new()
    office.desk.dispatch()
    office.desk.dispatch()
    assert "203.0.113.7" in Channel.objects.get(name="应用").dead_reason
    assert sorted(Message.objects.values_list("kind", "state")) == [
        ("channel_dead", "sent"),
        ("new", "moved"),
        ("new", "sent"),
    ]


def post(office: Office, body: bytes, timestamp: str = "", nonce: str = "1", signature: str = "") -> httpx2.Response:
    """Call the callback address as somebody."""
    from django.test import Client

    timestamp = timestamp or str(int(office.desk.now.timestamp()))
    query = f"?msg_signature={signature}&timestamp={timestamp}&nonce={nonce}"
    path = f"/callbacks/wecom/{office.channel.pk}{query}"
    answer = Client(enforce_csrf_checks=True).post(path, body, content_type="text/xml", headers={"host": "desk.test"})
    return httpx2.Response(answer.status_code, content=answer.content)


def sealed(office: Office, message: bytes, timestamp: str) -> tuple[bytes, str]:
    found = CallbackCrypto(TOKEN, KEY, office.app.corpid).seal(message, timestamp, "1")
    return f"<xml><Encrypt>{found.encrypted}</Encrypt></xml>".encode(), found.signature


@pytest.mark.parametrize(
    "body", [b"", b"<xml/>", b"<xml><Encrypt>AAAA</Encrypt></xml>", b"{}", b"x" * 70_000, b"<!DOCTYPE x><xml/>"]
)
def test_whatever_wecom_did_not_sign_is_refused(office: Office, body: bytes) -> None:
    answer = post(office, body, signature="0" * 40)
    assert (answer.status_code, answer.content) == (403, b"refused")


def test_a_signed_call_of_another_day_is_refused(office: Office) -> None:
    message = office.card()
    xml = office.sandbox.wecom_apps._event(office.app, message, "LiSi", "claim:x", office.desk.now).encode()
    old = str(int(office.desk.now.timestamp()) - 90_000)
    body, signature = sealed(office, xml, old)
    assert post(office, body, old, signature=signature).status_code == 403


@pytest.mark.parametrize(
    "message",
    [
        b"<xml><MsgType>text</MsgType><Content>hello</Content></xml>",
        b"<xml><MsgType>event</MsgType><Event>enter_agent</Event></xml>",
        b"<xml><MsgType>event</MsgType><Event>template_card_event</Event><AgentID>7</AgentID></xml>",
    ],
)
def test_other_messages_are_taken_and_mean_nothing(office: Office, message: bytes) -> None:
    now = str(int(office.desk.now.timestamp()))
    body, signature = sealed(office, message, now)
    answer = post(office, body, now, signature=signature)
    assert (answer.status_code, answer.content) == (200, b"")
    assert Click.objects.count() == 0


def test_the_check_is_answered_bare_even_if_a_plus_was_not_encoded(office: Office) -> None:
    from django.test import Client

    crypto = CallbackCrypto(TOKEN, KEY, office.app.corpid)
    found = next(one for n in range(99) if "+" in (one := crypto.seal(str(n).encode(), "1", "2")).encrypted)
    url = f"/callbacks/wecom/{office.channel.pk}?msg_signature={found.signature}&timestamp=1&nonce=2"
    answer = Client(headers={"host": "desk.test"}).get(f"{url}&echostr={found.encrypted.replace('=', '%3D')}")
    assert answer.content == crypto.open(found.signature, "1", "2", found.encrypted)
    assert answer["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize("which", ["unknown", "robot", "off", "without callback"])
def test_an_application_without_a_callback_has_no_such_address(office: Office, which: str) -> None:
    if which == "unknown":
        office.channel.pk += 1000
    elif which == "robot":
        office.channel.pk = office.desk.channel("群").pk
    elif which == "off":
        services.switch(office.channel, enabled=False, now=office.desk.now)
    else:
        settings = {
            "corpid": office.app.corpid,
            "agentid": 1,
            "secret": office.app.secret,
            "receivers": STAFF,
            "api_url": BASE_URL,
        }
        office.channel = services.add_channel("另一个", "wecom_app", settings, now=office.desk.now)
    assert post(office, b"<xml/>").status_code == 404
