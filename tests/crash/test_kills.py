"""`kill -9` of each process under load: what was acknowledged is never lost, and everything goes on by itself.

The load is a stream of genuine notices about complaints that exist in the sandbox. Leases of the dead run out on the
sandbox's clock, which the desk follows, so that minutes of waiting cost none.
"""

from __future__ import annotations

import subprocess
import time
import uuid
from collections import Counter

import pytest

from tests.crash.desk import Desk
from tests.crash.load import Envelope, Pump
from tests.processes import free_port, kesu

pytestmark = [pytest.mark.crash, pytest.mark.timeout(240)]

COMPLAINTS = 12
NOTICES_EACH = 50
UNDER_LOAD = 100
MINUTES_FORWARD = 12
"""How far the sandbox's clock may be put forward for leases to run out and robots to rest."""

UNFINISHED = {
    "notices": "select count(*) from intake_notice where state <> 'processed'",
    "complaints to read": "select count(*) from sync_refresh",
    "messages": "select count(*) from alerts_message where state <> 'sent'",
    "tries": "select count(*) from alerts_attempt where outcome = 'sending'",
}


def under_load(desk: Desk) -> Pump:
    """A pump at work: complaints of the merchant and of a sub-merchant, many notices about each."""
    envelopes = []
    for role in ("merchant", "partner"):
        merchant = desk.sandbox.merchant(role)
        path = notify_url(desk, merchant["mchid"]).removeprefix(desk.url)
        against = merchant["mchid"] if role == "merchant" else merchant["sub_mchids"][0]
        for complaint_id in desk.sandbox.complain(against, count=COMPLAINTS // 2):
            for number in range(NOTICES_EACH):
                id = str(uuid.uuid4())
                action = "CREATE_COMPLAINT" if number == 0 else "USER_RESPONSE"
                headers, body = desk.sandbox.notice(complaint_id, merchant, id=id, action_type=action)
                envelopes.append(Envelope(id, complaint_id, path, headers, body))
    pump = Pump(desk, envelopes[::7] + [one for n, one in enumerate(envelopes) if n % 7])
    pump.start()
    pump.await_acknowledged(UNDER_LOAD)
    return pump


def notify_url(desk: Desk, mchid: str) -> str:
    return str(desk.sandbox.control("/state")["notify_urls"][mchid])


def everything_arrived(desk: Desk, pump: Pump) -> None:
    """The claims of this file, checked once the load is over."""
    pump.finish()
    stored = {id for (id,) in desk.query("select envelope_id from intake_notice")}
    assert pump.acknowledged <= stored
    settle(desk)
    complaints = {envelope.complaint_id for envelope in pump.envelopes}
    mirrored = {id for (id,) in desk.query("select complaint_id from complaints_complaint")}
    assert complaints <= mirrored
    pushes = accepted_pushes(desk, complaints)
    assert set(pushes) == complaints, "a complaint was not pushed"
    doubled = {complaint_id for complaint_id, count in pushes.items() if count > 1}
    assert doubled <= tried_again(desk), "pushed twice without a try whose outcome was unknown"


def settle(desk: Desk) -> None:
    """Until nothing is left to do, putting the clock forward for what waits for a lease or for a robot."""
    for _ in range(MINUTES_FORWARD):
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            left = unfinished(desk)
            if not any(left.values()):
                return
        desk.sandbox.control("/clock", {"advance": "1m"})
    raise AssertionError(f"still unfinished: {left}; log: {desk.log.read_text(errors='replace')[-3000:]}")


def unfinished(desk: Desk) -> dict[str, int]:
    return {name: desk.query(sql)[0][0] for name, sql in UNFINISHED.items()}


def accepted_pushes(desk: Desk, complaints: set[str]) -> Counter[str]:
    contents = [m["content"] for m in desk.sandbox.control("/wecom/messages?after=0") if m["accepted"]]
    return Counter(one for content in contents for one in complaints if one in content)


def tried_again(desk: Desk) -> set[str]:
    """Complaints with a push whose try was cut off: its outcome is unknown, so it is made again."""
    return {
        complaint_id
        for (complaint_id,) in desk.query(
            "select c.complaint_id from alerts_attempt a join alerts_message m on m.id = a.message_id"
            " join complaints_complaint c on c.id = m.complaint_id where a.outcome in ('interrupted', 'unknown')"
        )
    }


def test_killing_the_web_process_loses_no_acknowledged_notice(desk: Desk):
    killed = desk.child("web")
    pump = under_load(desk)
    desk.kill(killed)
    assert not pump.is_over
    desk.await_replacement("web", killed)
    everything_arrived(desk, pump)


def test_killing_the_worker_loses_no_push(desk: Desk):
    killed = desk.child("worker")
    pump = under_load(desk)
    desk.kill(killed)
    assert not pump.is_over
    desk.await_replacement("worker", killed)
    everything_arrived(desk, pump)


def test_killing_the_database_loses_no_acknowledged_notice(desk: Desk):
    killed = desk.postmaster
    pump = under_load(desk)
    desk.kill(killed)
    assert not pump.is_over
    everything_arrived(desk, pump)
    assert desk.postmaster != killed


def test_killing_the_supervisor_loses_nothing_and_it_can_be_started_again(desk: Desk):
    pump = under_load(desk)
    desk.kill(desk.supervisor)
    assert not pump.is_over
    desk.forget_dead_supervisor()
    desk.start()
    everything_arrived(desk, pump)


def test_killing_everything_at_once_loses_nothing(desk: Desk):
    killed = (desk.supervisor, desk.postmaster, desk.child("web"), desk.child("worker"))
    pump = under_load(desk)
    desk.kill(*killed)
    assert not pump.is_over
    desk.forget_dead_supervisor()
    desk.start()
    everything_arrived(desk, pump)


def test_a_second_serve_on_the_same_data_is_refused_and_says_why(desk: Desk):
    second = subprocess.run(
        kesu("serve", "--port", str(free_port())), env=desk.env, capture_output=True, text=True, timeout=60
    )
    assert second.returncode == 1
    assert "Another kesu serve" in second.stderr
    assert str(desk.supervisor) in second.stderr
    assert "Traceback" not in second.stderr
    assert desk.is_ready()
