"""Four eyes: those who may decide hear of it until somebody did, then whoever asked does; a stuck refund as well."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from kesu.accounts.models import Role, User
from kesu.alerts import messages
from kesu.alerts.models import Message
from kesu.alerts.people import called_by
from kesu.audit.models import AuditEntry
from kesu.commands import refunding, resending, second_person
from kesu.commands.errors import Conflict, InvalidCommand
from kesu.commands.models import Command, Refund, RefundRequest
from kesu.commands.wording import difference
from kesu.merchants import grants
from kesu.retention.personal import erase
from kesu.threads import in_thread
from tests.commands.test_resending import ACCOUNT, CARD, NAME, YES, at_the_platform, rows_with, stuck

HOUR = 3600


def told(kind: str) -> list[Message]:
    rows = Message.objects.filter(kind=kind).select_related("channel", "complaint__account", "complaint__claimed_by")
    return list(rows.order_by("pk"))


def called(office, message: Message) -> tuple[str, ...]:
    return called_by(message, now=office.now())


async def reachable(office) -> None:
    """Everybody has an account id of WeCom, and there are managers that this is not for."""

    def name() -> None:
        for user in User.objects.all():
            User.objects.filter(pk=user.pk).update(wecom_userid=f"{user.username}-id")
        make = User.objects.create_user
        make("small", role=Role.MANAGER, refund_limit=1_000, wecom_userid="small-id")
        make("gone", role=Role.MANAGER, is_active=False, wecom_userid="gone-id")
        far = make("far", role=Role.MANAGER, all_merchants=False, wecom_userid="far-id")
        office.account_granted = far

    await in_thread(name)


def rows_of(office, message: Message) -> dict[str, str]:
    case = messages.Case(message.complaint, "店", "", 1, "https://desk.test/cases/1")
    content = messages.compose(message, case, language="en", now=office.now())
    return {"headline": content.headline, "title": content.title} | {row.label: row.value for row in content.rows}


def test_who_may_decide_is_called_again_and_again_until_it_is_decided_and_then_the_asker_is(play):
    async def steps(office):
        await reachable(office)
        complaint = await office.case(amount=30_000, problem_type="OTHERS")
        request = await office.do(refunding.refund, complaint)
        (first,) = await in_thread(told, "refund_waiting")
        assert await in_thread(called, office, first) == ("owner-id", "manager-id")
        said = await in_thread(rows_of, office, first)
        assert (said["headline"], said["Asked for"]) == ("Decide: refund ¥300.00", "¥300.00 · agent")
        await office.advance_seconds(31 * 60)
        assert [one.state for one in await in_thread(told, "refund_waiting")] == ["sent", "sent"]
        await office.advance_seconds(22 * HOUR)
        loud = await in_thread(told, "refund_waiting")
        assert [one.urgency for one in loud[-2:]] == ["urgent", "urgent"]
        await office.do(refunding.decide, request, grant=False, note="先核实签收", by="manager")
        (answer,) = await in_thread(told, "refund_decided")
        assert await in_thread(called, office, answer) == ("agent-id",)
        said = await in_thread(rows_of, office, answer)
        assert said["headline"] == "Declined: refund ¥300.00"
        assert said["Decision"] == "declined, nothing was refunded · manager · 先核实签收"
        await office.advance_seconds(30 * HOUR)
        assert len(await in_thread(told, "refund_waiting")) == len(loud)
        assert (await office.fresh(request)).remind_at is None

    play(steps)


def test_only_the_active_of_the_merchants_whose_limit_covers_it_are_told_and_never_the_asker(play):
    async def steps(office):
        await reachable(office)
        complaint = await office.case(amount=600_000, problem_type="OTHERS")
        request = await office.do(refunding.refund, complaint, by="manager")

        def names() -> tuple[list[str], list[str]]:
            row = RefundRequest.objects.select_related("complaint").get(pk=request.pk)
            able = [user.username for user in second_person.deciders(row)]
            grants.grant(office.account_granted, row.complaint.account, row.complaint.complainted_mchid)
            return able, [user.username for user in second_person.deciders(row)]

        able, with_grant = await in_thread(names)
        assert able == ["owner", "small"]
        assert with_grant == ["owner", "small", "far"]
        (message,) = await in_thread(told, "refund_waiting")
        assert message.facts["people"] == ["person:owner"]
        await in_thread(lambda: User.objects.filter(username="owner").update(is_active=False))
        await office.advance_seconds(31 * 60)
        # Nobody could grant it: those who can decline hear of it.
        assert (await in_thread(told, "refund_waiting"))[-1].facts["people"] == ["person:small", "person:far"]

    play(steps)


def test_what_was_not_told_yet_is_dropped_when_it_is_decided(play):
    async def steps(office):
        complaint = await office.case(amount=30_000, problem_type="OTHERS")
        request = await office.do(refunding.refund, complaint)
        await office.do(refunding.decide, request, grant=True, by="owner")
        (message,) = await in_thread(told, "refund_waiting")
        assert (message.state, message.error) == ("superseded", "decided")

    play(steps)


async def above(office, limit: int = 1989) -> None:
    agent = office.people["agent"].user
    await in_thread(lambda: User.objects.filter(pk=agent.pk).update(refund_limit=limit))
    agent.refund_limit = limit


def test_a_stuck_refund_above_the_limit_goes_to_the_card_once_a_second_person_granted_it(play):
    async def steps(office):
        complaint = await stuck(office)
        await above(office)
        request = await office.do(resending.resend_refund, complaint, card=CARD, consent=YES)
        assert (request.state, request.amount, request.resend_to) == ("waiting", 1990, "payer")
        assert json.loads((await office.fresh(request)).card)["account"] == ACCOUNT
        assert await rows_with(ACCOUNT) == await rows_with(NAME) == 0
        assert (await office.do(resending.resend_refund, complaint, card=CARD, consent=YES)).pk == request.pk
        with pytest.raises(Conflict) as other:
            await office.do(resending.resend_refund, complaint, consent=YES)
        assert "¥19.90" in difference(other.value)
        await office.settle()
        assert at_the_platform(office).resent == []
        (message,) = await in_thread(told, "refund_waiting")
        said = await in_thread(rows_of, office, message)
        assert said["Asked for"] == "¥19.90 · send the stuck refund elsewhere · agent"
        decided = await office.do(refunding.decide, request, grant=True, by="manager")
        assert (decided.command.kind, decided.card) == (Command.Kind.RESEND_REFUND, None)
        await office.settle()
        assert at_the_platform(office).resent[0]["tail"] == "0123"
        assert await rows_with(ACCOUNT) == await rows_with(NAME) == 0
        entries = await in_thread(lambda: list(AuditEntry.objects.values_list("action", "username").order_by("pk")))
        wanted = [("refund_requested", "agent"), ("refund_resent", "manager"), ("refund_request_decided", "manager")]
        assert [entry for entry in entries if entry in wanted] == wanted

    play(steps)


def test_a_card_is_wiped_when_the_request_is_declined_or_the_payers_data_go(play):
    async def steps(office):
        complaint = await stuck(office)
        await above(office)
        request = await office.do(resending.resend_refund, complaint, card=CARD, consent=YES)
        await office.do(refunding.decide, request, grant=False, by="manager")
        assert (await office.fresh(request)).card is None
        again = await office.do(resending.resend_refund, complaint, card=CARD, consent=YES)
        await in_thread(lambda: erase([complaint.pk], texts=True))
        assert (await office.fresh(again)).card is None
        with pytest.raises(InvalidCommand) as gone:
            await office.do(refunding.decide, again, grant=True, by="manager")
        assert gone.value.reason == "card_gone"

    play(steps)


def test_who_decides_on_a_stuck_refund_needs_a_limit_that_covers_it_too(play):
    async def steps(office):
        complaint = await stuck(office)
        await above(office)
        request = await office.do(resending.resend_refund, complaint, consent=YES)
        manager = office.people["manager"].user
        manager.refund_limit = 1000
        with pytest.raises(InvalidCommand) as low:
            await office.do(refunding.decide, request, grant=True, by="manager")
        assert low.value.reason == "above_your_limit"
        await office.do(refunding.decide, request, grant=True, by="owner")
        await office.settle()
        assert (await in_thread(Refund.objects.get)).resent_to == "merchant"

    play(steps)


def test_a_request_of_an_older_version_is_spoken_of_too(play):
    async def steps(office):
        complaint = await office.case(amount=30_000, problem_type="OTHERS")
        request = await office.do(refunding.refund, complaint)
        await in_thread(lambda: RefundRequest.objects.filter(pk=request.pk).update(remind_at=None))
        later = office.now() + timedelta(hours=3)
        assert await in_thread(lambda: second_person.remind_due(now=later)) == 1
        assert len(await in_thread(told, "refund_waiting")) == 2
        assert await in_thread(lambda: second_person.remind_due(now=later)) == 0

    play(steps)
