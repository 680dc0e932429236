"""What every kind of channel is: settings that are checked, and a way to send one push.

Adding a kind is copying a folder: ``settings.py`` (what a person fills in), ``transport.py`` (one send: a receipt or an
error) and a line in ``channels/__init__.py``. Kinds never import each other.

    SendError                   the other side did not take the push
    ├── RateLimitError          the sender is too fast: its key rests, the push stays
    ├── TransientError          try again later
    ├── UnknownOutcomeError     no answer after the push was written: it may have arrived
    ├── PayloadError            this push is refused, another text may pass         (permanent)
    └── ChannelDeadError        nothing will pass here until somebody acts          (permanent)
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

import httpx2
from pydantic import BaseModel, ConfigDict, ValidationError

from kesu.alerts.content import Content
from kesu.rules.classify import RATE_PAUSE, ErrorClass

TIMEOUT = httpx2.Timeout(10.0, connect=5.0)
WHOLE_CALL_SECONDS = 20
ANSWER_BYTES = 4096


class ChannelSettings(BaseModel):
    """Base of a kind's settings: frozen, and unknown names are refused so that a typing slip is seen."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)
    shown: ClassVar[frozenset[str]] = frozenset()
    """What may be read again; everything else is a secret, or a phone number."""


Settings = TypeVar("Settings", bound=ChannelSettings)


class SettingsError(ValueError):
    """The settings of a channel cannot be used. ``problems`` maps a setting's name to what is wrong with it."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {problem}" if name else problem for name, problem in problems.items()))
        self.problems = dict(problems)


@dataclass(frozen=True, slots=True)
class Push:
    """One message as a channel gets it. ``facts`` is JSON for machines; ``short`` asks for the shortest form.

    ``left_out``: who is not told, of those whom a channel always tells (``PersonalKind``).
    ``robot`` counts the robots of one group from 0, where a channel has several (``GroupKind``).
    """

    id: str
    kind: str
    now: datetime
    content: Content
    mentions: tuple[str, ...] = ()
    left_out: frozenset[str] = frozenset()
    facts: Mapping[str, Any] | None = None
    short: bool = False
    robot: int = 0


@dataclass(frozen=True, slots=True)
class SentCard:
    """A card with buttons, as the other side knows it. ``update_code`` may change it once, later."""

    task_id: str
    update_code: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """The other side took the push. ``payload_sha256`` names the bytes that were sent."""

    http_status: int | None = None
    code: str = ""
    answer: str = ""
    payload_sha256: str = ""
    card: SentCard | None = None


class SendError(Exception):
    """The other side did not take the push."""

    outcome: ClassVar[str]
    permanent: ClassVar[bool] = False

    def __init__(
        self, answer: str, *, http_status: int | None = None, code: str = "", payload_sha256: str = ""
    ) -> None:
        super().__init__(answer)
        self.receipt = Receipt(http_status, code[:20], answer[:300], payload_sha256)


class RateLimitError(SendError):
    """Too fast for the other side."""

    outcome = "rate"


class TransientError(SendError):
    """The other side could not be reached, or was busy."""

    outcome = "transient"


class UnknownOutcomeError(SendError):
    """The push was written, and no answer came: it may have arrived."""

    outcome = "unknown"


class PayloadError(SendError):
    """The other side refuses this push."""

    outcome = "payload"
    permanent = True


class ChannelDeadError(SendError):
    """The other side takes nothing from this address any more."""

    outcome = "channel_dead"
    permanent = True


ERRORS: dict[ErrorClass, type[SendError]] = {
    ErrorClass.RATE: RateLimitError,
    ErrorClass.TRANSIENT: TransientError,
    ErrorClass.PAYLOAD: PayloadError,
    ErrorClass.CHANNEL_DEAD: ChannelDeadError,
}


@dataclass(frozen=True, slots=True)
class Budget:
    """At most ``limit`` pushes in any ``window`` for one key, and what each of ``also`` (number, span) allows.

    ``pause`` is how long the key rests after the other side said that it was too fast.
    """

    limit: int
    window: timedelta = timedelta(seconds=60)
    also: tuple[tuple[int, timedelta], ...] = ()
    pause: timedelta = RATE_PAUSE

    @property
    def limits(self) -> tuple[tuple[int, timedelta], ...]:
        return ((self.limit, self.window), *self.also)


class ChannelKind(Protocol):
    """One kind of channel; a module-level object in its folder."""

    @property
    def name(self) -> str: ...
    @property
    def budget(self) -> Budget: ...

    def parse(self, raw: Mapping[str, Any]) -> Any:
        """Checked settings. Raises SettingsError."""

    def budget_secret(self, settings: Any) -> str:
        """What the other side counts pushes by; channels that share it share one budget."""

    def address(self, settings: Any) -> str:
        """Where it goes, with every secret masked."""

    async def send(self, push: Push, settings: Any, client: httpx2.AsyncClient) -> Receipt:
        """Push once. Raises SendError; a return means that the other side took it."""


@runtime_checkable
class GroupKind(Protocol):
    """A kind whose channel may have several robots in one group, each with a budget of its own."""

    def more_budget_secrets(self, settings: Any) -> tuple[str, ...]:
        """``budget_secret`` of the further robots, in the order of ``Push.robot`` from 1 on."""


@runtime_checkable
class PersonalKind(Protocol):
    """A kind that sends to people, each by themselves: whom a push leaves out sees nothing of it, there is no group."""

    def receivers(self, settings: Any) -> tuple[str, ...]:
        """Who is told whatever is pushed, unless ``Push.left_out`` names them."""


def parse_settings(schema: type[Settings], raw: Mapping[str, Any]) -> Settings:
    """Settings checked by ``schema``. Raises SettingsError, whose text never repeats a value (it may be a secret)."""
    try:
        return schema.model_validate(dict(raw))
    except ValidationError as error:
        raise SettingsError(
            {
                ".".join(str(part) for part in found["loc"]): found["msg"].removeprefix("Value error, ")
                for found in error.errors(include_url=False, include_input=False)
            }
        ) from None


def masked(secret: str) -> str:
    """The last four characters of a secret, for telling two apart."""
    return f"****{secret[-4:]}" if len(secret) >= 12 else "****"


def sha256_hex(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


_AFTER_WRITING = (
    TimeoutError,
    httpx2.ReadTimeout,
    httpx2.ReadError,
    httpx2.RemoteProtocolError,
    httpx2.DecodingError,
)


async def post(
    client: httpx2.AsyncClient,
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    extensions: dict[str, Any] | None = None,
) -> tuple[int, bytes]:
    """POST once, without redirects; status and at most ANSWER_BYTES of the answer.

    Raises TransientError when the push cannot have arrived, UnknownOutcomeError when it may have; neither names the
    address.
    """
    digest = sha256_hex(body)
    try:
        async with (
            asyncio.timeout(WHOLE_CALL_SECONDS),
            client.stream(
                "POST",
                url,
                content=body,
                headers={"Accept-Encoding": "identity", **headers},
                extensions=extensions or {},
                follow_redirects=False,
            ) as response,
        ):
            return response.status_code, await _beginning(response)
    except _AFTER_WRITING as error:
        raise UnknownOutcomeError(f"no answer ({type(error).__name__})", payload_sha256=digest) from None
    except httpx2.TimeoutException as error:
        raise TransientError(f"not reached in time ({type(error).__name__})", payload_sha256=digest) from None
    except httpx2.HTTPError as error:
        raise TransientError(f"not reached ({type(error).__name__})", payload_sha256=digest) from None


async def _beginning(response: httpx2.Response) -> bytes:
    found = b""
    async for chunk in response.aiter_bytes():
        found += chunk
        if len(found) >= ANSWER_BYTES:
            break
    return found[:ANSWER_BYTES]
