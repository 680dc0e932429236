"""A desk and its platform in one process, with people of every role."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kesu.accounts.actor import Actor, Via
from kesu.accounts.models import Role, User
from kesu.commands.errors import Refused
from kesu.commands.models import Command
from kesu.commands.reading import note_view
from kesu.commands.verbs import Consent
from kesu.complaints.models import Complaint
from kesu.demo.world import World
from kesu.sandbox.identity import Identity
from kesu.threads import in_thread

START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


class Office(World):
    """A world with staff. Verbs are called in threads, as pages call them."""

    async def staff(self) -> None:
        def make() -> dict[str, Actor]:
            return {
                role.value: Actor(
                    User.objects.create_user(role.value, password="a-long-password", role=role), Via.PAGE, "203.0.113.7"
                )
                for role in Role
            }

        self.people = await in_thread(make)

    async def case(self, **wish: Any) -> Complaint:
        """A new complaint, read by the desk and opened by the agent."""
        number = await self.complain(self.merchant, **wish)
        await self.settle()
        return await self.open(number)

    async def open(self, number: str) -> Complaint:
        """The case as it stands, seen by the agent just now."""

        def look() -> Complaint:
            complaint = Complaint.objects.select_related("account", "claimed_by").get(complaint_id=number)
            note_view(self.people["agent"].user, complaint, now=self.now())
            return complaint

        return await in_thread(look)

    async def do(self, verb: Callable[..., Any], *arguments: Any, by: str = "agent", **more: Any) -> Any:
        """Call a verb as this person, now."""
        return await in_thread(lambda: verb(self.people[by], *arguments, **more, now=self.now()))

    async def warnings(self, verb: Callable[..., Any], *arguments: Any, by: str = "agent", **more: Any) -> Consent:
        """Accept what has to be accepted before this verb. Fails when something blocks it."""
        with pytest.raises(Refused) as refused:
            await self.do(verb, *arguments, by=by, **more)
        assert {concern.level for concern in refused.value.standing} == {"confirm"}, refused.value.standing
        return Consent(acknowledged=tuple(concern.code for concern in refused.value.standing))

    async def fresh(self, row: Any) -> Any:
        return await in_thread(lambda: type(row).objects.get(pk=row.pk))

    async def truth(self, complaint: Complaint) -> dict[str, Any]:
        """The platform's own record."""
        answer = await self.control.get(f"{self.sandbox.control_url}/complaints/{complaint.complaint_id}")
        return dict(answer.json())

    async def history(self, complaint: Complaint, kind: str = "MERCHANT_RESPONSE") -> list[dict[str, Any]]:
        told = await self.truth(complaint)
        return [entry for entry in told["history"] if entry["operate_type"] == kind]

    async def fault(self, kind: str, **more: Any) -> None:
        await self.post("/faults", target="wechatpay", kind=kind, **more)

    async def advance_seconds(self, seconds: float) -> None:
        await self.advance(timedelta(seconds=seconds))

    async def commands(self, complaint: Complaint) -> list[Command]:
        return await in_thread(lambda: list(Command.objects.filter(complaint=complaint.pk).order_by("pk")))


Steps = Callable[[Office], Awaitable[None]]


@pytest.fixture(scope="session")
def identity() -> Identity:
    return Identity.create()


@pytest.fixture
def play(transactional_db: Any, settings: Any, identity: Identity) -> Callable[[Steps], None]:
    """Run one test's steps in an office of its own; polls are sparse, so that days pass quickly."""
    settings.CONFIGURATION = settings.CONFIGURATION.model_copy(
        update={"poll_newest_seconds": 6 * 3600, "poll_recent_seconds": 86_400, "reread_open_seconds": 6 * 3600}
    )

    def run(steps: Steps) -> None:
        async def main() -> None:
            office = Office(START, identity=identity)
            try:
                await office.connect()
                await office.staff()
                await steps(office)
            finally:
                await office.close()

        asyncio.run(main())

    return run
