"""A failed message is sent once more by hand: what is, what is not, and what it takes."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import translation

from kesu.accounts.actor import Actor, Via
from kesu.accounts.models import Role, User
from kesu.accounts.roles import Forbidden
from kesu.alerts import services
from kesu.alerts.models import Attempt, Channel, Message
from kesu.alerts.resending import ResendError, resend
from kesu.audit.models import AuditEntry
from kesu.merchants import grants
from tests.factories import make_account

from .conftest import START, Desk
from .test_digests import storm

Outcomes = Callable[[], list[str]]


def somebody(role: Role = Role.MANAGER, *, merchants: list[str] | None = None) -> Actor:
    user = User.objects.create(username=f"{role}-{User.objects.count()}", role=role, all_merchants=merchants is None)
    if merchants:
        grants.set_scope(user, merchants)
    return Actor(user, Via.PAGE, "192.0.2.7")


def refused(desk: Desk) -> Message:
    """A push whose text the robot refused twice."""
    desk.channel()
    desk.new()
    desk.trouble("errcode", 40058, count=2)
    desk.dispatch()
    return Message.objects.get(state="failed")


def unanswered(desk: Desk) -> Message:
    """A push that may have been shown four times: nobody answered."""
    desk.channel()
    desk.new()
    desk.trouble("timeout", count=4)
    desk.until(minutes=10)
    return Message.objects.get(state="failed")


def reason_of(message: Message, desk: Desk) -> str:
    with pytest.raises(ResendError) as refusal:
        resend(somebody(), message.pk, now=desk.now, yes=True)
    assert str(refusal.value)
    message.refresh_from_db()
    assert not AuditEntry.objects.filter(action="push_resent").exists()
    return refusal.value.reason


def test_a_failed_push_is_sent_again_in_full_and_its_log_goes_on(desk: Desk, outcomes: Outcomes) -> None:
    failed = refused(desk)
    desk.wait(minutes=5)
    owed = resend(somebody(), failed.pk, now=desk.now)
    told = (owed.state, owed.due_at, owed.failures, owed.shortened, owed.error, owed.doubtful, owed.attempts)
    assert told == ("pending", desk.now, 0, False, "", False, 2)
    desk.dispatch()
    assert outcomes() == ["payload", "payload", "sent"]
    [shown] = desk.shown()
    assert shown.msgtype == "markdown"
    assert "可能重复" not in shown.content


def test_it_is_written_down_with_the_case(desk: Desk) -> None:
    failed = refused(desk)
    who = somebody()
    resend(who, failed.pk, now=desk.now)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.username, entry.address) == ("push_resent", who.user.username, "192.0.2.7")
    assert failed.complaint is not None
    assert entry.subject == f"complaint:{failed.complaint.complaint_id}"
    assert entry.details == {"push": failed.pk, "channel": "客服群", "kind": "new", "may_have_arrived": False}


def test_what_may_have_arrived_takes_a_yes_and_says_so(desk: Desk, outcomes: Outcomes) -> None:
    failed = unanswered(desk)
    with pytest.raises(ResendError) as refusal:
        resend(somebody(), failed.pk, now=desk.now)
    assert (refusal.value.reason, refusal.value.needs_yes) == ("may_have_arrived", True)
    failed.refresh_from_db()
    assert failed.state == "failed"
    resend(somebody(), failed.pk, now=desk.now, yes=True)
    desk.dispatch()
    assert outcomes() == [*["unknown"] * 4, "sent"]
    assert "可能重复" in desk.shown()[-1].content


def test_tries_before_it_was_resent_do_not_count_against_it(desk: Desk, outcomes: Outcomes) -> None:
    failed = unanswered(desk)
    resend(somebody(), failed.pk, now=desk.now, yes=True)
    desk.trouble("timeout", count=3)
    desk.until(minutes=14)
    failed.refresh_from_db()
    assert outcomes()[-4:] == ["unknown", "unknown", "unknown", "sent"]
    assert failed.state == "sent"


def test_only_what_failed_is_sent_again(desk: Desk) -> None:
    desk.channel()
    desk.new()
    message = Message.objects.get()
    assert reason_of(message, desk) == "not_failed"
    desk.dispatch()
    assert reason_of(message, desk) == "not_failed"
    assert message.state == "sent"


def test_of_two_who_press_at_once_one_is_told_that_it_is_done(desk: Desk) -> None:
    failed = refused(desk)

    def press(actor: Actor) -> str:
        try:
            return resend(actor, failed.pk, now=desk.now).state
        except ResendError as error:
            return error.reason
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(press, [somebody(), somebody()]))
    assert sorted(results) == ["not_failed", "pending"]
    assert AuditEntry.objects.filter(action="push_resent").count() == 1


@pytest.mark.parametrize(("become", "said"), [("answered", "answered"), ("closed", "finished")])
def test_what_no_longer_matters_is_not_sent(desk: Desk, become: str, said: str) -> None:
    """As the loop decides of what waits: it would drop it."""
    desk.channel()
    platform, _ = desk.new()
    desk.trouble("errcode", 40058, count=2)
    desk.dispatch()
    getattr(desk, become)(platform)
    failed = Message.objects.get(state="failed")
    with pytest.raises(ResendError) as refusal:
        resend(somebody(), failed.pk, now=desk.now)
    assert refusal.value.reason == "overtaken"
    with translation.override("en"):
        assert said in str(refusal.value)
    failed.refresh_from_db()
    assert failed.state == "failed"


def test_what_tells_of_the_end_is_sent_though_the_case_is_closed(desk: Desk) -> None:
    desk.channel()
    Channel.objects.update(muted_kinds=[])
    platform, _ = desk.new()
    desk.dispatch()
    desk.closed(platform)
    desk.trouble("errcode", 40058, count=2)
    desk.dispatch()
    failed = Message.objects.get(state="failed", kind="closed")
    resend(somebody(), failed.pk, now=desk.now)
    desk.wait(minutes=1)
    desk.dispatch()
    failed.refresh_from_db()
    assert failed.state == "sent"


def test_a_channel_that_is_off_sends_nothing(desk: Desk) -> None:
    failed = refused(desk)
    services.switch(failed.channel, enabled=False, now=desk.now)
    assert reason_of(failed, desk) == "channel_off"


def test_a_test_push_is_not_sent_again(desk: Desk) -> None:
    channel = desk.channel()
    desk.trouble("errcode", 40058, count=1)
    services.test_channel(channel, now=desk.now, transports=desk.transports)
    assert reason_of(Message.objects.get(state="failed", kind="test"), desk) == "test_push"


@pytest.mark.parametrize("role", [Role.AGENT, Role.VIEWER, Role.AUDITOR])
def test_a_manager_or_an_owner_does_it(desk: Desk, role: Role) -> None:
    failed = refused(desk)
    with pytest.raises(Forbidden):
        resend(somebody(role), failed.pk, now=desk.now)


def test_what_somebody_may_not_see_is_not_there(desk: Desk) -> None:
    failed = refused(desk)
    make_account("1900000002", now=START)
    with pytest.raises(Message.DoesNotExist):
        resend(somebody(merchants=["1900000002"]), failed.pk, now=desk.now)
    resend(somebody(merchants=["1900000001"]), failed.pk, now=desk.now)


def lost_digest(desk: Desk) -> Message:
    """A digest of 29 cases that the robot refused."""
    desk.channel()
    desk.new()
    desk.dispatch()
    storm(desk, 29)
    desk.trouble("errcode", 40058, count=2)
    desk.dispatch()
    digest = Message.objects.get(kind="digest")
    assert digest.state == "failed"
    return digest


def test_a_digest_is_sent_again_with_what_failed_with_it(desk: Desk) -> None:
    digest = lost_digest(desk)
    assert digest.covered.filter(state="failed").count() == 29
    resend(somebody(Role.OWNER), digest.pk, now=desk.now)
    assert digest.covered.filter(state="digested", error="").count() == 29
    entry = AuditEntry.objects.get()
    assert (entry.subject, entry.details["covers"]) == (f"push:{digest.pk}", 29)
    desk.wait(minutes=1)
    desk.dispatch()
    digest.refresh_from_db()
    assert (digest.state, desk.shown()[-1].content.startswith("29")) == ("sent", True)


def test_a_digest_fails_again_with_all_that_it_covers(desk: Desk) -> None:
    digest = lost_digest(desk)
    resend(somebody(Role.OWNER), digest.pk, now=desk.now)
    desk.wait(minutes=1)
    desk.trouble("errcode", 40058, count=2)
    desk.dispatch()
    assert digest.covered.filter(state="failed", error=f"digest {digest.pk} failed").count() == 29


def test_a_digest_leaves_out_what_was_dealt_with_or_sent_by_itself_meanwhile(desk: Desk) -> None:
    digest = lost_digest(desk)
    done, single = digest.covered.order_by("pk")[:2]
    type(done.complaint).objects.filter(pk=done.complaint_id).update(replied=True)
    resend(somebody(), single.pk, now=desk.now)
    resend(somebody(Role.OWNER), digest.pk, now=desk.now)
    done.refresh_from_db()
    single.refresh_from_db()
    assert (done.state, done.error, done.digest) == ("superseded", "answered", None)
    assert (single.state, single.digest) == ("pending", None)
    assert digest.covered.count() == 27


def test_a_digest_of_which_nothing_is_left_is_not_sent(desk: Desk) -> None:
    digest = lost_digest(desk)
    for message in digest.covered.select_related("complaint"):
        type(message.complaint).objects.filter(pk=message.complaint_id).update(replied=True)
    with pytest.raises(ResendError) as refusal:
        resend(somebody(Role.OWNER), digest.pk, now=desk.now)
    assert refusal.value.reason == "overtaken"
    assert digest.covered.filter(state="failed").count() == 29


def test_one_of_a_digest_that_may_have_been_seen_takes_a_yes_and_says_so(desk: Desk) -> None:
    digest = lost_digest(desk)
    Message.objects.filter(pk=digest.pk).update(doubtful=True)
    single = digest.covered.order_by("pk")[0]
    with pytest.raises(ResendError) as refusal:
        resend(somebody(), single.pk, now=desk.now)
    assert refusal.value.needs_yes
    assert resend(somebody(), single.pk, now=desk.now, yes=True).doubtful


def test_a_digest_is_for_whoever_sees_every_merchant(desk: Desk) -> None:
    digest = lost_digest(desk)
    with pytest.raises(Message.DoesNotExist):
        resend(somebody(merchants=["1900000001"]), digest.pk, now=desk.now)


def test_a_late_answer_to_an_earlier_try_does_not_settle_what_was_resent(desk: Desk) -> None:
    """The tries go on being numbered, so that no worker takes an old try for its own."""
    failed = refused(desk)
    before = failed.attempts
    resend(somebody(), failed.pk, now=desk.now + timedelta(minutes=1))
    desk.wait(minutes=1)
    desk.dispatch()
    failed.refresh_from_db()
    assert failed.attempts == before + 1 == Attempt.objects.filter(message=failed).count()
