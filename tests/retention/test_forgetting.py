"""A payer asks to be forgotten."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction

from kesu.complaints.models import Complaint, Media, MediaBlob, TimelineEntry
from kesu.config.database import EmbeddedPostgres
from kesu.demo.world import World
from kesu.merchants.models import Account
from kesu.retention import services, sweeps
from kesu.retention.models import Erasure, Forgotten
from kesu.threads import in_thread
from kesu.vault import keyring
from tests.desk_seeds import make_complaint, make_merchant, picture_of, say
from tests.factories import NOW
from tests.forking import run_kesu
from tests.prepared import database_of
from tests.processes import environment
from tests.stories.conftest import identity, tell  # noqa: F401 - fixtures

DAY = timedelta(days=1)
PHONE = "13800005678"
OPENID = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
WORDS = "我叫王小明, 住在人民路 1 号"


@pytest.fixture
def account(db: Any) -> Account:
    return make_merchant(NOW)


def case(account: Account, number: int, state: str = "PROCESSED", **fields: Any) -> Complaint:
    values: dict[str, Any] = {
        "payer_phone": PHONE,
        "payer_phone_tail": PHONE[-4:],
        "payer_phone_fingerprint": keyring().fingerprint(PHONE, "payer.phone"),
        "payer_openid": OPENID,
        "payer_openid_fingerprint": keyring().fingerprint(OPENID, "payer.openid"),
        "detail": WORDS,
        "problem_description": WORDS,
    }
    made = make_complaint(account, number, now=NOW, state=state, **values | fields)
    Complaint.objects.filter(pk=made.pk).update(raw=json.dumps({"payer_openid": OPENID, "complaint_detail": WORDS}))
    say(made, "USER_RESPONSE", NOW, WORDS, "投诉人", words=WORDS)
    return made


def everything_about(complaint: Complaint) -> str:
    """All that the desk can read of a case, unsealed."""
    rows = [Complaint.objects.filter(pk=complaint.pk).values().get()]
    rows += TimelineEntry.objects.filter(complaint=complaint).values()
    rows += Media.objects.filter(complaint=complaint).values()
    return repr(rows)


@pytest.mark.parametrize("written", [PHONE, f"+86 {PHONE}", f"86{PHONE}", "138-0000-5678", f" {PHONE} "])
def test_a_payer_is_found_however_the_number_is_written(account, written):
    case(account, 1)
    assert services.find(services.of_phone(written)).found == 1


def test_nothing_of_the_payer_is_left_in_closed_cases(account):
    mine, other = case(account, 1), case(account, 2, payer_phone_fingerprint="x", payer_openid_fingerprint="y")
    picture_of(mine, now=NOW)
    shared = picture_of(mine, now=NOW, content=b"shared")
    picture_of(other, now=NOW, content=b"shared")
    done = services.forget("li", "phone", services.of_phone(PHONE), now=NOW)
    assert (done.erased, done.postponed) == ([mine.complaint_id], [])
    assert (done.amount.texts, done.amount.pictures) == (1, 2)
    left = everything_about(mine)
    assert not [secret for secret in (PHONE, PHONE[-4:], OPENID, "王小明", "images") if secret in left]
    assert WORDS in everything_about(other)
    assert [blob.pk for blob in MediaBlob.objects.all()] == [shared.blob_id]
    mine.refresh_from_db()
    assert (mine.amount, mine.state, mine.rounds.count(), mine.orders.count()) == (1990, "PROCESSED", 1, 1)


def test_an_open_case_waits_until_it_is_closed_and_is_then_erased(account):
    running = case(account, 1, state="PENDING")
    done = services.forget("li", "openid", services.of_openid(OPENID), now=NOW)
    assert (done.erased, done.postponed) == ([], [running.complaint_id])
    sweeps.sweep(now=NOW)
    assert WORDS in everything_about(running)
    Complaint.objects.filter(pk=running.pk).update(open=False, next_due_at=None, state="PROCESSED")
    sweeps.sweep(now=NOW + DAY)
    assert "王小明" not in everything_about(running)
    assert list(Erasure.objects.order_by("pk").values_list("subject", "erased", "postponed")) == [
        ("openid", 0, 1),
        ("postponed", 1, 0),
    ]


def test_naming_one_complaint_forgets_its_payer_everywhere(account):
    first, second = case(account, 1), case(account, 2, payer_phone_fingerprint="")
    done = services.forget("li", "complaint", services.of_payer_of(first.complaint_id), now=NOW)
    assert set(done.erased) == {first.complaint_id, second.complaint_id}


def test_what_the_platform_tells_anew_is_erased_anew(tell):  # noqa: F811
    async def story(world: World) -> None:
        complaint_id = await world.complain(world.merchant, detail=WORDS)
        await world.settle()
        await world.console(complaint_id, "reply", text="您好")
        await world.console(complaint_id, "complete")
        await world.advance(timedelta(hours=7))

        def forget() -> Any:
            return services.forget("li", "complaint", services.of_payer_of(complaint_id), now=world.now())

        assert (await in_thread(forget)).erased == [complaint_id]
        assert (await in_thread(Complaint.objects.get)).detail == ""
        await world.payer(complaint_id, "continue", "还是没有解决")
        await world.advance(timedelta(hours=1))
        again = await in_thread(Complaint.objects.get)
        assert (again.open, again.detail) == (True, WORDS)  # the case is answered with all that it needs
        await world.console(complaint_id, "reply", text="您好")
        await world.console(complaint_id, "complete")
        await world.advance(timedelta(hours=7))
        await in_thread(lambda: sweeps.sweep(now=world.now()))
        last = await in_thread(Complaint.objects.get)
        assert (last.open, last.detail, last.payer_openid) == (False, "", None)

    tell(story)


def test_the_record_can_be_added_to_and_never_changed(account):
    case(account, 1)
    services.forget("li", "phone", services.of_phone(PHONE), now=NOW)
    record = Erasure.objects.get()
    assert (record.at, record.actor, record.found) == (NOW, "li", 1)
    with pytest.raises(DatabaseError, match="only ever added"), transaction.atomic():
        Erasure.objects.update(actor="nobody")
    with pytest.raises(DatabaseError, match="only ever added"), transaction.atomic():
        record.delete()
    with connection.cursor() as cursor:
        cursor.execute("select retention_erasure::text from retention_erasure")
        assert PHONE not in str(cursor.fetchall())


def test_a_request_that_finds_nobody_is_recorded_too(account):
    assert services.forget("li", "phone", services.of_phone("13900000000"), now=NOW).found == 0
    assert Erasure.objects.get().found == 0
    assert not Forgotten.objects.exists()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A desk on a working day, with one open and one closed case of the same phone."""
    directory = tmp_path_factory.mktemp("desk")
    with database_of(directory):
        subprocess.run([sys.executable, "-m", "tests.operations.seed"], env=environment(directory), check=True)
        yield directory


def run(data: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return run_kesu(*arguments, env=environment(data), stdin=stdin, timeout=90)


def test_the_command_erases_postpones_and_keeps_the_number_to_itself(data: Path):
    dry = run(data, "privacy", "erase", "--phone-stdin", "--dry-run", "--json", stdin=f"{PHONE}\n")
    assert json.loads(dry.stdout)["found"] == 2
    done = run(data, "privacy", "erase", "--phone-stdin", "--by", "小李", stdin=f"{PHONE}\n")
    assert done.returncode == 0, done.stderr
    assert "Erased: 2000002025112" in done.stdout
    assert "Still open" in done.stdout
    assert PHONE not in done.stdout + done.stderr
    [record] = json.loads(run(data, "privacy", "log", "--json").stdout)
    assert (record["actor"], record["subject"], record["erased"], record["postponed"]) == ("小李", "phone", 1, 1)


def test_the_command_says_when_nobody_is_known(data: Path):
    done = run(data, "privacy", "erase", "--openid-stdin", stdin="nobody\n")
    assert (done.returncode, "No complaint of that payer" in done.stdout) == (1, True)
    assert run(data, "privacy", "erase").returncode == 1
    assert run(data, "privacy", "erase", "--phone-stdin", "--complaint", "1").returncode == 1


def test_the_command_shows_lifetimes_and_sizes_and_runs_dry(data: Path):
    shown = json.loads(run(data, "retention", "show", "--json").stdout)
    assert {row["kind"]: row["days"] for row in shown["lifetimes"]} == {
        "notices": 30,
        "messages": 180,
        "pictures": 180,
        "personal": 400,
        "complaints": 0,
    }
    assert shown["database_bytes"] > sum(row["bytes"] for row in shown["tables"]) > 0
    with psycopg.connect(host=str(EmbeddedPostgres(data).socket_directory), user="kesu", dbname="kesu") as desk:
        desk.execute("update alerts_message set created_at = created_at - interval '200 days' where state = 'sent'")
        [(old,)] = desk.execute("select count(*) from alerts_message where state = 'sent'").fetchall()
    dry = run(data, "retention", "run", "--dry-run")
    assert f"messages: {old}" in dry.stdout
    assert "Nothing was changed" in dry.stdout
    assert "Done" in run(data, "retention", "run").stdout
    assert f"messages: {old}" not in run(data, "retention", "run", "--dry-run").stdout
