"""Replies: journal first, a fresh read, one call; what came of it is what the platform shows."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from kesu.accounts.roles import Forbidden
from kesu.audit.models import AuditEntry
from kesu.commands import immediate, pictures, verbs
from kesu.commands.errors import Conflict, InvalidCommand, Refused
from kesu.commands.models import Command
from kesu.commands.seen import Seen
from kesu.commands.verbs import Consent
from kesu.complaints.models import Complaint
from kesu.threads import in_thread

WORDS = "您好, 经核实是仓库漏发了这件商品, 我们可以今天补发或者全额退款, 请问您希望怎样处理?"


def png() -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (40, 30), "green").save(target, "PNG")
    return target.getvalue()


def test_a_reply_reaches_the_payer_and_the_case_shows_it(play):
    async def steps(office):
        complaint = await office.case()
        command = await office.do(verbs.reply, complaint, WORDS)
        assert command.state == Command.State.PLANNED
        await office.settle()
        assert (await office.fresh(command)).state == Command.State.CONFIRMED
        assert [entry["operate_details"] for entry in await office.history(complaint)] == [WORDS]
        shown = await office.fresh(complaint)
        assert (shown.state, shown.replied) == ("PROCESSING", True)

    play(steps)


def test_what_was_said_is_sealed_and_the_audit_knows_who_said_it(play):
    async def steps(office):
        complaint = await office.case()
        await office.do(verbs.reply, complaint, WORDS)
        entry = await in_thread(lambda: AuditEntry.objects.filter(action="replied").get())
        assert (entry.username, entry.via, entry.address) == ("agent", "page", "203.0.113.7")
        assert entry.subject == f"complaint:{complaint.complaint_id}"
        assert WORDS not in str(entry.details)

        def stored() -> bytes:
            from django.db import connection

            with connection.cursor() as cursor:
                cursor.execute("select payload from commands_command")
                return bytes(cursor.fetchone()[0])

        assert WORDS.encode() not in await in_thread(stored)

    play(steps)


def test_pictures_are_uploaded_once_and_used_again(play):
    async def steps(office):
        first, second = await office.case(), await office.case()
        kept = await office.do(pictures.keep, first.account, png())
        again = await office.do(pictures.keep, second.account, png())
        assert kept.pk == again.pk
        for complaint in (first, second):
            await office.do(verbs.reply, complaint, WORDS, [kept.pk])
            await office.settle()
            assert len((await office.history(complaint))[0]["image_list"]) == 1
        assert office.sandbox.state.counters["requests_upload"] == 1

    play(steps)


def test_a_lost_answer_is_settled_by_the_history_and_nothing_is_said_twice(play):
    async def steps(office):
        complaint = await office.case()
        await office.fault("drop", value="after", count=2, path="/response")
        command = await office.do(verbs.reply, complaint, WORDS)
        await office.settle()
        await office.advance_seconds(400)
        assert (await office.fresh(command)).state == Command.State.CONFIRMED
        assert (await office.fresh(command)).log_id
        assert len(await office.history(complaint)) == 1

    play(steps)


def test_a_call_that_never_arrived_is_found_out_and_may_be_sent_again(play):
    async def steps(office):
        complaint = await office.case()
        await office.fault("drop", count=1, path="/response")
        command = await office.do(verbs.reply, complaint, WORDS)
        await office.settle()
        assert not (await office.fresh(command)).is_settled
        await office.advance_seconds(600)
        ended = await office.fresh(command)
        assert (ended.state, ended.failure) == (Command.State.FAILED, Command.Failure.NOT_FOUND)
        assert await office.history(complaint) == []
        await office.do(verbs.reply, complaint, WORDS)
        await office.settle()
        assert len(await office.history(complaint)) == 1

    play(steps)


def test_while_one_command_is_under_way_another_is_a_conflict_that_shows_it(play):
    async def steps(office):
        complaint = await office.case()
        first = await office.do(verbs.reply, complaint, WORDS)
        with pytest.raises(Conflict) as conflict:
            await office.do(verbs.reply, complaint, WORDS, by="manager")
        assert [command.pk for command in conflict.value.commands] == [first.pk]
        await office.settle()
        assert len(await office.history(complaint)) == 1

    play(steps)


def test_who_comes_second_sees_what_the_first_did(play):
    async def steps(office):
        complaint = await office.case()
        seen = await in_thread(Seen.of, complaint)
        first = await office.do(verbs.reply, complaint, WORDS)
        await office.settle()
        with pytest.raises(Conflict) as conflict:
            await office.do(verbs.reply, complaint, "另一条回复, 请查收。", by="manager", consent=Consent(seen=seen))
        assert [command.pk for command in conflict.value.commands] == [first.pk]
        assert WORDS in [entry.details for entry in conflict.value.entries]
        assert len(await office.history(complaint)) == 1

    play(steps)


def test_the_same_key_acts_once(play):
    async def steps(office):
        complaint = await office.case()
        first = await office.do(verbs.reply, complaint, WORDS, consent=Consent(key="press-1"))
        again = await office.do(verbs.reply, complaint, WORDS, consent=Consent(key="press-1"))
        assert first.pk == again.pk
        await office.settle()
        once_more = await office.do(verbs.reply, complaint, WORDS, consent=Consent(key="press-1"))
        assert once_more.state == Command.State.CONFIRMED
        assert len(await office.history(complaint)) == 1

    play(steps)


def test_what_the_payer_wrote_meanwhile_stops_a_completion_but_not_a_reply(play):
    async def steps(office):
        complaint = await office.case()
        await office.do(verbs.reply, complaint, WORDS)
        await office.settle()
        complaint = await office.open(complaint.complaint_id)
        consent = await office.warnings(verbs.complete, complaint)
        command = await office.do(verbs.complete, complaint, consent=consent)
        await office.payer(complaint.complaint_id, "message", "等等, 钱还没有到账")
        await office.settle()
        ended = await office.fresh(command)
        assert (ended.state, ended.failure) == (Command.State.FAILED, Command.Failure.CHANGED)
        assert "message_unread" in [concern["code"] for concern in ended.concerns]
        assert (await office.truth(complaint))["complaint_state"] == "PROCESSING"

    play(steps)


def test_a_red_line_stops_a_reply_unless_a_manager_overrides_it_with_a_reason(play):
    async def steps(office):
        complaint = await office.case()
        crossing = "您撤诉后我们给您退款, 请先撤销投诉。"
        with pytest.raises(Refused) as refused:
            await office.do(verbs.reply, complaint, crossing)
        assert any(concern.code.startswith("redline.") for concern in refused.value.standing)
        with pytest.raises(Refused):
            await office.do(verbs.reply, complaint, crossing, consent=Consent(override_reason="我觉得没问题"))
        assert await office.commands(complaint) == []
        command = await office.do(
            verbs.reply, complaint, crossing, by="manager", consent=Consent(override_reason="引用用户原话")
        )
        assert command.override_reason == "引用用户原话"
        entry = await in_thread(lambda: AuditEntry.objects.get(action="overridden"))
        assert entry.details["reason"] == "引用用户原话"

    play(steps)


def test_the_platforms_refusal_is_kept_with_its_code_and_request_id(play):
    async def steps(office):
        complaint = await office.case()
        await office.fault("errcode", value="NO_AUTH", count=1, path="/response")
        command = await office.do(verbs.reply, complaint, WORDS)
        await office.settle()
        ended = await office.fresh(command)
        assert (ended.state, ended.failure, ended.error_code) == ("failed", "refused", "NO_AUTH")
        assert ended.request_id
        assert await office.history(complaint) == []

    play(steps)


def test_a_platform_that_cannot_be_reached_makes_a_reply_wait_not_fail(play):
    async def steps(office):
        complaint = await office.case()
        await office.fault("drop")
        command = await office.do(verbs.reply, complaint, WORDS)
        await office.advance_seconds(90)
        assert (await office.fresh(command)).state == Command.State.PLANNED
        await office.control.delete(f"{office.sandbox.control_url}/faults")
        await office.advance_seconds(300)
        assert (await office.fresh(command)).state == Command.State.CONFIRMED
        assert len(await office.history(complaint)) == 1

    play(steps)


def test_what_waits_can_be_taken_back(play):
    async def steps(office):
        complaint = await office.case()
        await office.fault("drop")
        command = await office.do(verbs.reply, complaint, WORDS)
        await office.settle()
        taken = await office.do(verbs.withdraw, command)
        assert (taken.state, taken.failure) == ("failed", "withdrawn")
        await office.control.delete(f"{office.sandbox.control_url}/faults")
        await office.advance_seconds(600)
        assert await office.history(complaint) == []

    play(steps)


def test_an_immediate_service_reply_is_repeated_under_its_own_id_and_said_once(play):
    async def steps(office):
        complaint = await office.case(need_immediate_service=True)
        await office.fault("drop", value="after", count=2, path="/response-immediate-service")
        command = await office.do(verbs.reply_immediately, complaint, immediate.written(WORDS))
        await office.settle()
        await office.advance_seconds(60)
        assert (await office.fresh(command)).state == Command.State.CONFIRMED
        assert len(await office.history(complaint)) == 1

    play(steps)


def test_an_empty_reply_and_a_fifth_picture_are_refused_before_anything_is_written(play):
    async def steps(office):
        complaint = await office.case()
        for text, chosen, reason in (("  ", [], "text_missing"), (WORDS, [1, 2, 3, 4, 5], "too_many_pictures")):
            with pytest.raises(InvalidCommand) as wrong:
                await office.do(verbs.reply, complaint, text, chosen)
            assert wrong.value.reason == reason
        assert await office.commands(complaint) == []

    play(steps)


def test_viewers_and_auditors_cannot_speak_to_payers(play):
    async def steps(office):
        complaint = await office.case()
        for role in ("viewer", "auditor"):
            with pytest.raises(Forbidden):
                await office.do(verbs.reply, complaint, WORDS, by=role)

    play(steps)


def test_a_case_that_may_not_be_seen_cannot_be_acted_on(play):
    async def steps(office):
        complaint = await office.case()
        agent = office.people["agent"].user

        def blind() -> None:
            agent.all_merchants = False
            agent.save()

        await in_thread(blind)
        with pytest.raises(Complaint.DoesNotExist):
            await office.do(verbs.reply, complaint, WORDS)

    play(steps)
