"""Every address of the desk as every role and with every scope: nobody sees or does what is not theirs.

The addresses are read from the running desk, so that a new one fails here until ``gates.GATES`` says whom it is for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from kesu import clock
from kesu.accounts import tokens
from kesu.accounts.models import Role, User
from kesu.accounts.roles import may
from kesu.alerts import links
from kesu.alerts.models import Channel, Message
from kesu.complaints.models import Complaint, Media
from kesu.intake.models import Notice, Rejection
from kesu.merchants import grants
from kesu.merchants.models import Account, SubMerchant
from kesu.sync.models import Poll, Refresh
from tests.desk.gate import Gate
from tests.desk.gates import GATES
from tests.desk_seeds import attempt, make_channel, make_complaint, make_merchant, make_user, picture_of, push, say

HERE, SIBLING, ELSEWHERE = "HERE7F", "SIBLING3K", "ELSEWHERE9Q"
PUSHED = ("failed", "sent", "pending")
DENIED = {401, 403, 404}
SCOPES: dict[str, tuple[list[str], set[str]]] = {
    "everything": ([], {HERE, SIBLING, ELSEWHERE}),
    "one account": (["1900000209"], {HERE, SIBLING}),
    "one sub-merchant": (["1900000209,1900000211"], {HERE}),
    "nothing": (["-"], set()),
}
SEE_ALL = {Role.OWNER, Role.AUDITOR}
_ROLES = [Role.OWNER, Role.AUDITOR, Role.VIEWER, Role.AGENT, Role.MANAGER]
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass
class Side:
    """One merchant's rows. Each of its texts holds ``mark``, which nobody else's holds."""

    mark: str
    complaint: Complaint
    picture: Media
    link: str
    push: Message


@dataclass
class Somebody:
    scope: str
    user: User
    sees: set[str]
    client: Client
    secret: str

    @property
    def name(self) -> str:
        return f"{self.user.role} of {self.scope}"


def routes() -> dict[str, URLPattern]:
    def walk(patterns: list[Any], before: str) -> Iterator[tuple[str, URLPattern]]:
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, before + str(pattern.pattern))
            else:
                yield before + str(pattern.pattern), pattern

    return dict(walk(get_resolver().url_patterns, "/"))


def every_gate() -> list[tuple[str, Gate]]:
    return [(route, gate) for route, gates in GATES.items() for gate in (gates if isinstance(gates, list) else [gates])]


@pytest.fixture
def sides(db: None, now: datetime) -> dict[str, Side]:
    partner = make_merchant(now, "1900000209", "青禾服务商", role="partner")
    other = make_merchant(now, "1900000309", f"{ELSEWHERE}书店", notify_url=f"https://{ELSEWHERE}.example.com/x")
    channels = {partner.pk: make_channel(now, "青禾群"), other.pk: make_channel(now, f"{ELSEWHERE}群")}
    for account in (partner, other):
        channels[account.pk].accounts.set([account])
    return {
        mark: _side(mark, account, mchid, channels[account.pk], now)
        for mark, account, mchid in (
            (HERE, partner, "1900000211"),
            (SIBLING, partner, "1900000212"),
            (ELSEWHERE, other, "1900000309"),
        )
    }


def _side(mark: str, account: Account, mchid: str, channel: Channel, now: datetime) -> Side:
    SubMerchant.objects.create(account=account, mchid=mchid, name=f"{mark}果园", created_at=now)
    number = len(mark)
    complaint = make_complaint(
        account,
        number,
        now=now,
        complainted_mchid=mchid,
        detail=f"{mark}没发货",
        problem_description=f"{mark}说明",
        # The same payer everywhere: "other complaints of this payer" must not reach over.
        payer_phone_fingerprint="f" * 64,
        payer_phone_tail="5678",
    )
    Complaint.objects.filter(pk=complaint.pk).update(complaint_id=f"2000{mark}{number:06d}")
    complaint.refresh_from_db()
    picture = picture_of(complaint, say(complaint, "USER_RESPONSE", now, f"{mark}等着"), now=now)
    told = {state: push(channel, complaint, "new", now, state=state, error=f"{mark} refused") for state in PUSHED}
    for message in told.values():
        attempt(message, now, "payload", answer=f"{mark} answered")
    digest = push(channel, None, "digest", now, error=f"{mark} in a digest")
    attempt(digest, now, answer=f"{mark} in a digest")
    Poll.objects.get_or_create(account=account, tier="newest", defaults={"due_at": now})
    waiting = {"account": account, "complaint_id": complaint.complaint_id, "state": "parked", "due_at": now}
    Notice.objects.create(
        envelope_id=mark, event_type="", action_type=mark, body=b"", received_at=now, error=f"{mark} odd", **waiting
    )
    Refresh.objects.create(requested_at=now, reason="poll", priority=1, error=f"{mark} odd", **waiting)
    Rejection.objects.create(at=now, account=account, reason="not_decryptable", count=2, size=800)
    return Side(mark, complaint, picture, links.token(complaint.pk, 1, now=now), told["failed"])


@pytest.fixture
def people(sides: dict[str, Side]) -> list[Somebody]:
    return [_somebody(role, scope) for role in Role for scope in SCOPES]


def _somebody(role: Role, scope: str) -> Somebody:
    written, sees = SCOPES[scope]
    user = make_user(f"{role}-{scope.replace(' ', '-')}", role=role, all_merchants=not written)
    if written != ["-"]:
        grants.set_scope(user, written)
    client = Client()
    client.force_login(user)
    _, secret = tokens.create(user, "walk", list(tokens.Scope), expires_at=None, now=clock.now())
    everything = {HERE, SIBLING, ELSEWHERE}
    return Somebody(scope, user, everything if role in SEE_ALL else sees, client, secret)


def addresses(route: str, gate: Gate, side: Side, sides: dict[str, Side]) -> list[str]:
    values = gate.places(side) if gate.places else {}
    address = _PARAMETER.sub(lambda found: str(values[found[1]]), route)
    return [*([address] if gate.bare else []), *(f"{address}?{query}" for query in gate.queries(list(sides.values())))]


def ask(client: Client, gate: Gate, address: str, secret: str = "") -> Any:
    """The API knows people by their token only, pages by their session only."""
    call = getattr(client, gate.method.lower())
    if not address.startswith("/api/"):
        return call(address, dict(gate.data) or None)
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    if gate.files:
        return call(
            address, {name: SimpleUploadedFile(name, body) for name, body in gate.files.items()}, headers=headers
        )
    if gate.method == "GET":
        return call(address, headers=headers)
    return call(address, dict(gate.data), content_type="application/json", headers=headers)


def test_every_address_says_whom_it_is_for():
    """Django's admin has one gate for all of its addresses: test_admin.py tries it."""
    assert {route for route in routes() if not route.startswith("/admin/")} == set(GATES)


def test_whoever_is_not_signed_in_gets_nowhere_else(sides: dict[str, Side]):
    stale = Client()
    stale.force_login(make_user("gone", is_active=False))
    for route, gate in every_gate():
        if gate.public:
            assert not getattr(routes()[route].callback, "login_required", True), route
            continue
        for client in (Client(), stale):
            for address in addresses(route, gate, sides[HERE], sides):
                answer = ask(client, gate, address)
                assert answer.status_code == 401 or "/sign-in" in answer.headers.get("Location", ""), address
                _shows_only(answer, set(), address)


@pytest.mark.timeout(900)  # some thousand requests
def test_everybody_gets_what_is_theirs_and_nothing_else(sides: dict[str, Side], people: list[Somebody]):
    for route, gate in every_gate():
        for somebody in _who_tries(gate, people):
            for side in sides.values() if gate.places and gate.of_complaint else [sides[HERE]]:
                for address in addresses(route, gate, side, sides):
                    answer = ask(somebody.client, gate, address, somebody.secret)
                    _judge(somebody, gate, side, answer, f"{gate.method} {address} as {somebody.name}")


def _who_tries(gate: Gate, people: list[Somebody]) -> list[Somebody]:
    """Each role. The first scoped one that may tries with every scope, other roles that may with the narrowest one;
    who may not tries with the widest, which a narrower one only takes from.
    """
    trying, first = [], True
    for role in [] if gate.public else _ROLES:
        of_role = {one.scope: one for one in people if one.user.role == role}
        if not _may(of_role["everything"], gate) or role in SEE_ALL:
            scopes = ["everything"]
        else:
            scopes, first = list(SCOPES) if first else ["one sub-merchant"], False
        trying += [of_role[scope] for scope in scopes]
    return trying


def _may(somebody: Somebody, gate: Gate) -> bool:
    return gate.permission is None or may(somebody.user, gate.permission)


def _judge(somebody: Somebody, gate: Gate, side: Side, answer: Any, what: str) -> None:
    allowed = _may(somebody, gate)
    hidden = gate.places is not None and gate.of_complaint and side.mark not in somebody.sees
    if not allowed:
        assert answer.status_code in DENIED, what
    elif hidden:
        assert answer.status_code == 404, what
    else:
        # What is one's own may not be there yet: no second step, no such session.
        there = gate.permission is not None and gate.of_complaint
        assert answer.status_code not in (DENIED if there else {401, 403}), what
    _shows_only(answer, somebody.sees if allowed else set(), what)


def _shows_only(answer: Any, marks: set[str], what: str) -> None:
    """No text of another merchant is anywhere in the answer, headers included."""
    said = (b"".join(answer) if answer.streaming else answer.content).decode(errors="replace") + repr(answer.headers)
    shown = {mark for mark in (HERE, SIBLING, ELSEWHERE) if mark in said}
    assert shown <= marks, f"{what} shows {shown}"


def test_the_walk_would_notice_a_leak(sides: dict[str, Side], people: list[Somebody]):
    """Whoever may see all of it does, on the pages that show it: the marks are where the walk looks for them."""
    owner = people[0]
    shown = ("/", "/cases/<int:pk>", "/deliveries", "/system")
    for route, gate in [(route, gate) for route, gate in every_gate() if route in shown]:
        for side in sides.values():
            said = ask(owner.client, gate, addresses(route, gate, side, sides)[0]).content.decode()
            assert side.mark in said, route
