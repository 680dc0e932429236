"""What has lived long enough goes by itself, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import connection, transaction

from kesu.accounts.models import User
from kesu.alerts.models import Attempt, Card, Click, Message
from kesu.complaints.models import Complaint, Media, MediaBlob, TimelineEntry
from kesu.config.configuration import Configuration
from kesu.intake.models import Notice
from kesu.merchants.models import Account
from kesu.retention import sweeps
from kesu.retention.models import Erasure, Forgotten, Progress
from kesu.worker import doctor
from tests.desk_seeds import attempt, make_channel, make_complaint, make_merchant, picture_of, push, say
from tests.factories import NOW

DAY = timedelta(days=1)
PHONE = "13800005678"


@pytest.fixture
def account(db: Any) -> Account:
    return make_merchant(NOW)


def notice(account: Account, number: int, age: timedelta, state: str = "processed") -> Notice:
    at = NOW - age
    return Notice.objects.create(
        account=account, envelope_id=str(number), complaint_id="1", body=b"x", state=state, received_at=at, due_at=at
    )


def closed(account: Account, number: int, age: timedelta, **fields: Any) -> Complaint:
    values = {"payer_phone": PHONE, "payer_phone_tail": "5678", "payer_phone_fingerprint": "f"}
    made = make_complaint(account, number, now=NOW, age=age, state="PROCESSED", **values | fields)
    Complaint.objects.filter(pk=made.pk).update(raw='{"a": 1}')
    return made


def sweep_all() -> int:
    total = 0
    while done := sweeps.sweep(now=NOW):
        total += done
    return total


def test_processed_notices_go_after_thirty_days(account):
    for number, (days, state) in enumerate([(31, "processed"), (31, "parked"), (31, "received"), (29, "processed")]):
        notice(account, number, days * DAY, state)
    assert sweeps.waiting(now=NOW)["notices"] == 2
    sweep_all()
    assert sorted(Notice.objects.values_list("envelope_id", flat=True)) == ["2", "3"]
    assert sweeps.waiting(now=NOW)["notices"] == 0


def test_settled_pushes_go_with_their_tries_and_owed_ones_stay(account):
    channel = make_channel(NOW)
    old, owed, young = (
        push(channel, None, "test", NOW - 181 * DAY),
        push(channel, None, "test", NOW - 181 * DAY, state="pending"),
        push(channel, None, "test", NOW - 179 * DAY),
    )
    moved = push(channel, None, "test", NOW - 179 * DAY, state="moved", moved_to=old)
    attempt(old, NOW - 181 * DAY)
    attempt(young, NOW - 179 * DAY)
    sweep_all()
    assert set(Message.objects.values_list("pk", flat=True)) == {owed.pk, young.pk, moved.pk}
    assert list(Attempt.objects.values_list("message", flat=True)) == [young.pk]


def test_cards_go_with_their_push_and_pressed_buttons_by_their_age(account):
    channel = make_channel(NOW)
    for days in (181, 179):
        at = NOW - days * DAY
        Card.objects.create(message=push(channel, None, "test", at), task_id=f"t{days}", sent_at=at)
        values = {"userid": "lisi", "task_id": f"t{days}", "outcome": "claimed", "label": ""}
        Click.objects.create(channel=channel, identity=str(days), received_at=at, **values)
    assert sweeps.waiting(now=NOW)["messages"] == 2
    sweep_all()
    assert list(Card.objects.values_list("task_id", flat=True)) == ["t179"]
    assert list(Click.objects.values_list("task_id", flat=True)) == ["t179"]


def test_pictures_of_open_cases_stay_however_old_they_are(account):
    finished, running = closed(account, 1, 300 * DAY), make_complaint(account, 2, now=NOW, age=300 * DAY)
    old = NOW - 200 * DAY
    gone = picture_of(finished, now=old)
    evidence = picture_of(running, now=old, content=b"evidence")
    young = picture_of(finished, now=NOW - DAY, content=b"young")
    sweep_all()
    gone.refresh_from_db()
    assert (gone.state, gone.blob_id, gone.url, gone.error) == ("lost", None, "", "kept no longer")
    assert set(MediaBlob.objects.values_list("pk", flat=True)) == {evidence.blob_id, young.blob_id}


def test_a_removed_picture_is_not_fetched_again_when_its_address_is_told_anew(account):
    from kesu.complaints.media import MAX_ATTEMPTS_EVER

    picture = picture_of(closed(account, 1, 300 * DAY), now=NOW - 200 * DAY)
    sweep_all()
    assert Media.objects.get(pk=picture.pk).attempts == MAX_ATTEMPTS_EVER


def test_who_the_payer_is_goes_after_400_days_and_the_case_stays(account):
    old, young = closed(account, 1, 401 * DAY), closed(account, 2, 399 * DAY)
    say(old, "USER_RESPONSE", NOW - 400 * DAY, "请退款", phone=PHONE)
    sweep_all()
    old.refresh_from_db()
    assert (old.payer_phone, old.payer_phone_tail, old.payer_phone_fingerprint, old.raw) == (None, "", "", "{}")
    entry = TimelineEntry.objects.get(complaint=old)
    assert (entry.details, entry.raw) == ("请退款", "{}")
    assert old.detail  # words stay with the case
    young.refresh_from_db()
    assert young.payer_phone == PHONE


def test_personal_data_is_swept_once_and_in_batches(account, monkeypatch):
    monkeypatch.setattr(sweeps, "BATCH", 2)
    for number in range(5):
        closed(account, number, (410 - number) * DAY)
    assert sweeps.waiting(now=NOW)["personal"] == 5
    assert sweep_all() == 5
    mark = Progress.objects.get()
    assert mark.number == Complaint.objects.order_by("complaint_time").last().pk
    assert sweep_all() == 0
    assert not Complaint.objects.exclude(payer_phone=None).exists()


def test_an_old_open_case_is_erased_once_it_is_closed(account):
    case = make_complaint(account, 1, now=NOW, age=401 * DAY, payer_phone=PHONE)
    sweep_all()
    case.refresh_from_db()
    assert case.payer_phone == PHONE
    Complaint.objects.filter(pk=case.pk).update(open=False, next_due_at=None, state="PROCESSED")
    sweep_all()
    case.refresh_from_db()
    assert case.payer_phone is None
    assert Forgotten.objects.get().erased_at == NOW
    assert Erasure.objects.get().subject == "postponed"


def test_complaints_stay_for_ever_unless_told_otherwise(account, settings):
    closed(account, 1, 4000 * DAY)
    running = make_complaint(account, 2, now=NOW, age=4000 * DAY)
    sweep_all()
    assert Complaint.objects.count() == 2
    settings.CONFIGURATION = settings.CONFIGURATION.model_copy(update={"keep_complaints_days": 1000})
    assert sweeps.waiting(now=NOW)["complaints"] == 1
    sweep_all()
    assert list(Complaint.objects.all()) == [running]


def test_complaints_that_the_platform_still_lists_cannot_be_deleted(monkeypatch):
    monkeypatch.setenv("KESU_KEEP_COMPLAINTS_DAYS", "30")
    with pytest.raises(ValueError, match="at least 90"):
        Configuration()


def test_zero_days_keep_for_ever(account, settings):
    zero = {name: 0 for name in Configuration.model_fields if name.startswith("keep_")}
    settings.CONFIGURATION = settings.CONFIGURATION.model_copy(update=zero)
    notice(account, 1, 4000 * DAY)
    closed(account, 1, 4000 * DAY)
    assert sweep_all() == 0
    assert set(sweeps.waiting(now=NOW).values()) == {0}


def test_sign_ins_that_ran_out_go(db):
    Session.objects.create(session_key="old", session_data="", expire_date=NOW - DAY)
    Session.objects.create(session_key="young", session_data="", expire_date=NOW + DAY)
    user = User.objects.create(username="wang")
    for key in ("old", "young"):
        UserSession.objects.create(user=user, session_key=key, ip="198.51.100.7", user_agent="")
    assert sweep_all() == 1
    assert Session.objects.get().session_key == "young"
    assert UserSession.objects.get().session_key == "young"


def test_two_workers_do_not_sweep_at_once(transactional_db):
    import asyncio

    from kesu.threads import in_thread

    notice(make_merchant(NOW), 1, 31 * DAY)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [sweeps.SWEEP_LOCK])

        async def other() -> int:
            return await in_thread(lambda: sweeps.sweep(now=NOW))

        assert asyncio.run(other()) == 0
    assert sweeps.sweep(now=NOW) == 1


def test_the_doctor_tells_the_size_of_the_database_and_warns_of_a_large_one(account, settings):
    findings = {finding.check: finding for finding in doctor.examine(None)}
    assert findings["database"].level == "ok"
    assert "MB" in findings["database"].text
    assert findings["disk"].level in ("ok", "failed")
    settings.CONFIGURATION = settings.CONFIGURATION.model_copy(update={"database_warn_gb": 0})
    [warned] = [finding for finding in doctor.examine(None) if finding.check == "database"]
    assert warned.level == "warning"
