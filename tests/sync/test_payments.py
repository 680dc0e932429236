"""When an order was paid: asked for once, after a case was opened, and never in the way of anything."""

from __future__ import annotations

from kesu.complaints.models import Complaint, Order
from kesu.sandbox.faults import Fault
from kesu.sync import payments
from kesu.sync.refreshing import refresh_due
from kesu.sync.requests import Priority, request_refresh
from kesu.threads import in_thread
from tests.sync.conftest import Office


async def read_case(office: Office) -> Complaint:
    """A case that the desk knows and nobody has opened."""
    (number,) = office.complain()
    wanted = {(office.account.pk, number): "test"}
    await in_thread(request_refresh, wanted, priority=Priority.HEARD, now=office.now())
    assert await refresh_due(office.gateway) == 1
    return await in_thread(Complaint.objects.get, complaint_id=number)


async def open_case(office: Office, complaint: Complaint) -> None:
    await in_thread(payments.ask_for, complaint, now=office.now())


async def order_of(complaint: Complaint) -> Order:
    return await in_thread(Order.objects.get, complaint=complaint)


def test_the_payment_is_read_once_when_the_case_is_opened(play):
    async def steps(office: Office) -> None:
        complaint = await read_case(office)
        assert await payments.read_due(office.gateway) == 0
        for _ in range(2):
            await open_case(office, complaint)
            await payments.read_due(office.gateway)
        order = await order_of(complaint)
        paid = office.sandbox.state.orders[order.transaction_id]
        assert order.paid_at == paid.paid_at.replace(microsecond=0)
        assert office.requests("order_query") == 1

    play(steps)


def test_a_platform_that_gives_no_answer_is_asked_three_times_and_leaves_it_unknown(play):
    async def steps(office: Office) -> None:
        complaint = await read_case(office)
        office.sandbox.faults.order(Fault(target="wechatpay", path="/v3/pay/transactions", kind="status", value=500))
        for _ in range(5):
            await open_case(office, complaint)
            await payments.read_due(office.gateway)
            office.wait(minutes=11)
        order = await order_of(complaint)
        assert (order.paid_at, order.payment_due_at, order.payment_tries) == (None, None, payments.MOST_TRIES)

    play(steps)


def test_an_order_that_the_platform_does_not_know_is_not_asked_for_again(play):
    async def steps(office: Office) -> None:
        complaint = await read_case(office)
        await in_thread(lambda: Order.objects.update(transaction_id="4200000000000000000000000000"))
        await open_case(office, complaint)
        assert await payments.read_due(office.gateway) == 1
        order = await order_of(complaint)
        assert (order.paid_at, order.payment_due_at) == (None, None)

    play(steps)


def test_the_lease_of_a_worker_that_died_runs_out(play):
    async def steps(office: Office) -> None:
        complaint = await read_case(office)
        await open_case(office, complaint)
        assert len(await in_thread(payments.claim, office.now(), 4)) == 1
        assert await in_thread(payments.claim, office.now(), 4) == []
        office.wait(seconds=payments.LEASE.total_seconds() + 1)
        assert len(await in_thread(payments.claim, office.now(), 4)) == 1

    play(steps)
