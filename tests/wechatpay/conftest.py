"""A scripted stranger at the other end of the one I/O seam: it checks our signatures and signs its answers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from kesu.wechatpay import Client, MerchantCredentials, PlatformKeys, load_private_key
from kesu.wechatpay.signing import parse_authorization, request_message, signed_headers, verify

HERE = Path(__file__).parent / "vectors"
MCHID = "1900000001"
SERIAL = "5F1C72E2A8931B72A2E13AF8DEE92471EB397115"
PUBLIC_KEY_ID = "PUB_KEY_ID_0000000000000024101100397200000006"
APIV3_KEY = "0123456789abcdef0123456789ABCDEF"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def vectors() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((HERE / "vectors.json").read_text())
    return loaded


@pytest.fixture(scope="session")
def vector_pem() -> Callable[[str], str]:
    return lambda name: (HERE / f"{name}.pem").read_text()


@pytest.fixture(scope="session")
def merchant_key() -> rsa.RSAPrivateKey:
    return load_private_key((HERE / "merchant_private_key.pem").read_text())


@pytest.fixture(scope="session")
def platform_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="session")
def stranger_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="session")
def credentials(merchant_key: rsa.RSAPrivateKey) -> MerchantCredentials:
    return MerchantCredentials(MCHID, SERIAL, merchant_key, apiv3_keys=(APIV3_KEY,))


@dataclass
class Clock:
    """A clock that moves only when told to, and a sleep that moves it."""

    moment: datetime = datetime(2026, 3, 20, 6, 0, tzinfo=UTC)
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.advance(seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


Step = httpx2.Response | Exception | Callable[[httpx2.Request], httpx2.Response]


class Stranger:
    """Answers requests with the scripted steps, in order; after the last step it repeats it."""

    def __init__(
        self, merchant: rsa.RSAPublicKey, platform: rsa.RSAPrivateKey, clock: Clock, serial: str = PUBLIC_KEY_ID
    ) -> None:
        self.merchant, self.platform, self.clock, self.serial = merchant, platform, clock, serial
        self.requests: list[httpx2.Request] = []
        self.steps: list[Step] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if isinstance(step, Exception):
            raise step
        return step(request) if callable(step) else step

    def ok(self, value: Any = None, *, status: int = 200, request_id: str = "08F-0") -> httpx2.Response:
        """A signed answer."""
        body = b"" if value is None else json.dumps(value, ensure_ascii=False).encode()
        headers = signed_headers(self.platform, self.serial, body, now=self.clock())
        return httpx2.Response(status, headers={**headers, "Request-ID": request_id}, content=body)

    @staticmethod
    def error(
        status: int, code: str, message: str = "坏了", *, request_id: str = "08B9-268435461", detail: Any = None
    ) -> httpx2.Response:
        body = {"code": code, "message": message, **({"detail": detail} if detail else {})}
        return httpx2.Response(status, headers={"Request-ID": request_id}, json=body)

    @property
    def last(self) -> httpx2.Request:
        return self.requests[-1]

    def json(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(self.last.content)
        return loaded

    def signature_holds(self, request: httpx2.Request, body: bytes | None = None) -> bool:
        """Whether the request is signed over exactly what went over the wire."""
        parts = parse_authorization(request.headers["authorization"])
        message = request_message(
            request.method,
            request.url.raw_path.decode("ascii"),
            parts.timestamp,
            parts.nonce_str,
            request.content if body is None else body,
        )
        return verify(self.merchant, message, parts.signature)


@pytest.fixture
def stranger(merchant_key: rsa.RSAPrivateKey, platform_key: rsa.RSAPrivateKey, clock: Clock) -> Stranger:
    return Stranger(merchant_key.public_key(), platform_key, clock)


@pytest.fixture
def new_client(
    credentials: MerchantCredentials, platform_key: rsa.RSAPrivateKey, stranger: Stranger, clock: Clock
) -> Callable[..., Client]:
    def make(**options: Any) -> Client:
        keys = options.pop("platform_keys", PlatformKeys({PUBLIC_KEY_ID: platform_key.public_key()}))
        settings: dict[str, Any] = {
            "now": clock,
            "sleep": clock.sleep,
            "jitter": lambda: 0.5,
            "transport": httpx2.MockTransport(stranger),
            **options,
        }
        return Client(credentials, keys, **settings)

    return make


@pytest.fixture
async def client(new_client: Callable[..., Client]) -> AsyncIterator[Client]:
    async with new_client() as made:
        yield made
