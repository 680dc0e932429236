"""Payers who act by themselves, by temperament and by seed."""

from datetime import timedelta

import pytest

from kesu.sandbox.payers import TEMPERAMENTS, VERBS

pytestmark = pytest.mark.anyio


def kinds(truth):
    return [entry["operate_type"] for entry in truth["history"]]


async def lively(tell, temperament, **wish):
    """A sandbox where only this complaint happens."""
    story = tell(quiet_payers=False)
    while story.sandbox.platform.agenda.pop_due(story.sandbox.clock.now() + timedelta(days=1)):
        pass
    return story, await story.complain(temperament=temperament, **wish)


async def later(story, **span):
    await story.play_until(story.sandbox.clock.now() + timedelta(**span))


def test_every_reaction_is_a_verb():
    for table in TEMPERAMENTS.values():
        for reactions in table.values():
            assert {reaction.do for reaction in reactions} <= set(VERBS)


async def test_a_patient_payer_asks_once_after_a_day_without_answer(tell):
    story, complaint = await lively(tell, "patient")
    await later(story, hours=19)
    assert "USER_RESPONSE" not in kinds(await story.truth(complaint))
    await later(story, hours=48)
    assert kinds(await story.truth(complaint)).count("USER_RESPONSE") == 1


async def test_an_answered_patient_payer_does_not_urge(tell):
    story, complaint = await lively(tell, "patient")
    await story.merchant.reply(complaint)
    await later(story, hours=72)
    texts = [entry.get("operate_details", "") for entry in (await story.truth(complaint))["history"]]
    assert not any("等" in text for text in texts[3:])


async def test_an_angry_payer_calls_the_platform_after_a_day(tell):
    story, complaint = await lively(tell, "angry")
    await later(story, hours=31)
    truth = await story.truth(complaint)
    assert truth["in_platform_service"] is True
    assert kinds(truth).count("USER_RESPONSE") == 2


async def test_an_angry_payer_continues_when_closed_without_refund(tell):
    story, complaint = await lively(tell, "angry")
    await story.merchant.reply(complaint)
    await story.merchant.complete(complaint)
    await later(story, hours=6)
    truth = await story.truth(complaint)
    assert (truth["complaint_state"], truth["user_complaint_times"]) == ("PENDING", 2)


async def test_a_forgetful_payer_never_comes_back(tell):
    story, complaint = await lively(tell, "forgetful")
    await story.merchant.reply(complaint)
    await story.merchant.complete(complaint)
    await later(story, days=9)
    assert kinds(await story.truth(complaint))[-1] == "MERCHANT_CONFIRM_COMPLETE"


async def test_a_refund_satisfies_who_wants_one(tell):
    story, complaint = await lively(tell, "satisfied_by_refund", problem_type="REFUND", amount=5000)
    await story.merchant.reply(complaint)
    await story.merchant.refund(complaint, "R1", 5000)
    await later(story, days=2)
    truth = await story.truth(complaint)
    assert (truth["complaint_state"], truth["user_complaint_times"]) == ("PROCESSED", 1)
    assert truth["history"][-1]["operate_details"].startswith("满意")


async def test_a_professional_continues_and_then_gives_up(tell):
    story, complaint = await lively(tell, "professional", problem_type="OTHERS")
    for _ in range(8):
        await story.merchant.reply(complaint)
        await story.merchant.complete(complaint)
        await later(story, hours=2)
    truth = await story.truth(complaint)
    assert (truth["complaint_state"], truth["user_complaint_times"]) == ("PROCESSED", 4)


async def test_payers_act_at_their_own_time_even_when_the_clock_jumps(tell):
    story, complaint = await lively(tell, "angry")
    await story.pass_time(hours=72)
    entry = next(e for e in (await story.truth(complaint))["history"] if e["operate_type"] == "USER_RESPONSE")
    assert "2026-03-02T09:15" <= entry["operate_time"] <= "2026-03-02T09:50"


async def test_quiet_payers_do_nothing(story):
    complaint = await story.complain(temperament="angry")
    await story.pass_time(days=5)
    assert len(kinds(await story.truth(complaint))) == 2
    assert (await story.state())["complaints"]["total"] == 1


async def test_complaints_come_by_themselves_fast_at_first(tell):
    story = tell(quiet_payers=False)
    await later(story, minutes=10)
    first = (await story.state())["complaints"]["total"]
    await later(story, hours=5)
    later_on = (await story.state())["complaints"]["total"] - first
    assert first >= 8
    assert later_on < first * 10
    complaints = (await story.control("GET", "/complaints?limit=100")).json()
    assert len({one["complainted_mchid"] for one in complaints}) == 4
    assert len({one["problem_type"] for one in complaints}) == 3
    assert any(one["pictures"] for one in complaints)


async def test_a_jump_of_the_clock_does_not_flood(tell):
    story = tell(quiet_payers=False)
    await story.pass_time(days=10)
    assert (await story.state())["complaints"]["total"] < 60


async def test_the_same_seed_tells_the_same_story(tell):
    stories = [tell(quiet_payers=False, seed=7), tell(quiet_payers=False, seed=7), tell(quiet_payers=False, seed=8)]
    told = []
    for story in stories:
        await later(story, hours=30)
        complaints = story.sandbox.state.complaints.values()
        told.append(
            [(c.complaint_id, c.detail, [(e.operate_type, e.operated_at) for e in c.history]) for c in complaints]
        )
    assert told[0] == told[1] != told[2]


async def test_payers_can_be_woken_and_silenced(story):
    assert (await story.control("POST", "/payers", {"quiet": False})).json() == {"quiet": False}
    await later(story, minutes=10)
    total = (await story.state())["complaints"]["total"]
    assert total > 0
    await story.control("POST", "/payers", {"quiet": True})
    await later(story, hours=10)
    assert (await story.state())["complaints"]["total"] == total
