"""A sandbox on a clock that stands still, callers that sign like a merchant, and a receiver of notices."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from kesu.sandbox import Identity, Policy, Sandbox
from kesu.sandbox.identity import Account
from kesu.wechatpay.keys import PlatformKeys, load_certificate, load_public_key
from kesu.wechatpay.notice import Notice, open_notice
from kesu.wechatpay.signing import authorization, response_message, verify

NINE_IN_THE_MORNING = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
COMPLAINTS = "/v3/merchant-service/complaints-v2"
HOOK = "http://127.0.0.1:9/notify"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def identity() -> Identity:
    """Keys cost half a second, so they are made once."""
    return Identity.create()


@dataclass
class Receiver:
    """Takes notices: an httpx2 transport. `status` is its answer, or an exception to raise."""

    status: int | Exception = 204
    requests: list[httpx2.Request] = field(default_factory=list)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        if isinstance(self.status, Exception):
            raise self.status
        return httpx2.Response(self.status)


class Caller:
    """Signs requests with one account's key, over exactly what it sends."""

    def __init__(self, sandbox: Sandbox, account: Account, http: httpx2.AsyncClient) -> None:
        self.sandbox = sandbox
        self.account = account
        self.http = http

    async def send(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        signed: bytes | None = None,
        signed_path: str | None = None,
        late: float = 0,
        headers: dict[str, str | None] | None = None,
        **parts: str,
    ) -> httpx2.Response:
        """`signed`, `signed_path`: sign something else than what is sent. `late`: seconds off the clock.
        `parts`: mchid or serial_no to claim."""
        own = {
            "Accept": "application/json",
            "User-Agent": "test",
            "Content-Type": "application/json",
            "Authorization": authorization(
                parts.get("mchid", self.account.mchid),
                parts.get("serial_no", self.account.keys.serial_no),
                self.account.keys.private_key,
                method,
                signed_path or path,
                body if signed is None else signed,
                now=self.sandbox.clock.now() - timedelta(seconds=late),
            ),
        }
        merged = {**own, **(headers or {})}
        request = self.http.build_request(method, path, content=body)
        for name in ("accept", "user-agent"):
            del request.headers[name]
        request.headers.update({name: value for name, value in merged.items() if value is not None})
        return await self.http.send(request)

    async def get(self, path: str) -> httpx2.Response:
        return await self.send("GET", path)

    async def post(self, path: str, body: Any) -> httpx2.Response:
        return await self.send("POST", path, json.dumps(body, ensure_ascii=False).encode())

    async def put(self, path: str, body: Any) -> httpx2.Response:
        return await self.send("PUT", path, json.dumps(body).encode())

    async def delete(self, path: str) -> httpx2.Response:
        return await self.send("DELETE", path)

    async def reply(self, complaint_id: str, text: str = "您好, 正在核实", **extra: Any) -> httpx2.Response:
        body = {"complainted_mchid": self._seller(complaint_id), "response_content": text, **extra}
        return await self.post(f"{COMPLAINTS}/{complaint_id}/response", body)

    async def complete(self, complaint_id: str) -> httpx2.Response:
        body = {"complainted_mchid": self._seller(complaint_id)}
        return await self.post(f"{COMPLAINTS}/{complaint_id}/complete", body)

    async def progress(self, complaint_id: str, action: str, **extra: Any) -> httpx2.Response:
        body = {"action": action, **extra}
        return await self.post(f"{COMPLAINTS}/{complaint_id}/update-refund-progress", body)

    async def detail(self, complaint_id: str) -> dict[str, Any]:
        answer = await self.get(f"{COMPLAINTS}/{complaint_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def history(self, complaint_id: str) -> list[dict[str, Any]]:
        answer = await self.get(f"{COMPLAINTS}/{complaint_id}/negotiation-historys")
        assert answer.status_code == 200, answer.text
        return list(answer.json()["data"])

    async def refund(self, complaint_id: str, number: str, fen: int, /, **extra: Any) -> httpx2.Response:
        complaint = self.sandbox.platform.complaint(complaint_id)
        order = self.sandbox.platform.order_of(complaint)
        body: dict[str, Any] = {
            "transaction_id": order.transaction_id,
            "out_refund_no": number,
            "amount": {"refund": fen, "total": order.amount, "currency": "CNY"},
            **extra,
        }
        if self.account.role == "partner":
            body["sub_mchid"] = order.mchid
        return await self.post("/v3/refund/domestic/refunds", body)

    async def upload(
        self, content: bytes, filename: str = "proof.png", digest: str | None = None, **sent: Any
    ) -> httpx2.Response:
        meta = json.dumps({"filename": filename, "sha256": digest or hashlib.sha256(content).hexdigest()}).encode()
        body = b"".join(
            (
                b'--edge\r\nContent-Disposition: form-data; name="meta"\r\n'
                b"Content-Type: application/json\r\n\r\n" + meta + b"\r\n",
                b'--edge\r\nContent-Disposition: form-data; name="file"; filename="'
                + filename.encode()
                + b'"\r\nContent-Type: image/png\r\n\r\n'
                + content
                + b"\r\n--edge--\r\n",
            )
        )
        headers = {"Content-Type": "multipart/form-data; boundary=edge"}
        path = "/v3/merchant-service/images/upload"
        return await self.send("POST", path, body, signed=sent.pop("signed", meta), headers=headers)

    def _seller(self, complaint_id: str) -> str:
        known = self.sandbox.state.complaints.get(complaint_id)
        return known.mchid if known else self.account.mchid


class Story:
    """Everything a test needs to tell one."""

    def __init__(self, sandbox: Sandbox, receiver: Receiver) -> None:
        self.sandbox = sandbox
        self.receiver = receiver
        transport = httpx2.ASGITransport(sandbox.app)
        self.http = httpx2.AsyncClient(transport=transport, base_url=sandbox.base_url)
        self.merchant, self.partner = (Caller(sandbox, account, self.http) for account in sandbox.identity.accounts)
        self.shop = self.merchant.account.mchid
        self.subs = self.partner.account.sub_mchids

    async def control(self, method: str, path: str, body: Any = None) -> httpx2.Response:
        return await self.http.request(method, f"/control{path}", json=body)

    async def complain(self, mchid: str | None = None, **wish: Any) -> str:
        wish = {"mchid": mchid or self.shop, "amount": 19900, "pictures": 0, **wish}
        answer = await self.control("POST", "/complaints", wish)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["complaint_ids"][0])

    async def payer(self, complaint_id: str, do: str, text: str | None = None) -> httpx2.Response:
        body = {"do": do} if text is None else {"do": do, "text": text}
        return await self.control("POST", f"/complaints/{complaint_id}/payer", body)

    async def truth(self, complaint_id: str) -> dict[str, Any]:
        return dict((await self.control("GET", f"/complaints/{complaint_id}")).json())

    async def state(self) -> dict[str, Any]:
        return dict((await self.control("GET", "/state")).json())

    async def fault(self, target: str, kind: str, **more: Any) -> None:
        answer = await self.control("POST", "/faults", {"target": target, "kind": kind, **more})
        assert answer.status_code == 200, answer.text

    async def pass_time(self, **span: float) -> None:
        self.sandbox.clock.advance(timedelta(**span))
        await self.sandbox.run_due()

    async def play_until(self, moment: datetime) -> None:
        """Go from event to event, so that everything happens at its own time."""
        while (due := self.sandbox.next_due()) is not None and due <= moment:
            self.sandbox.clock.advance(max(due - self.sandbox.clock.now(), timedelta(0)))
            await self.sandbox.run_due()
        self.sandbox.clock.advance(max(moment - self.sandbox.clock.now(), timedelta(0)))

    async def hook(self, caller: Caller | None = None) -> None:
        """Register the callback address of an account."""
        caller = caller or self.merchant
        answer = await caller.post("/v3/merchant-service/complaint-notifications", {"url": HOOK})
        assert answer.status_code == 200, answer.text

    def opened(self, caller: Caller | None = None) -> list[Notice]:
        """The notices received so far, verified and decrypted."""
        account = (caller or self.merchant).account
        return [
            open_notice(
                request.headers,
                request.content,
                platform_keys=self.platform_keys,
                apiv3_keys=[account.apiv3_key],
                now=self.sandbox.clock.now(),
                tolerance_seconds=10**9,
            )
            for request in self.receiver.requests
        ]

    @property
    def platform_keys(self) -> PlatformKeys:
        """From what sandbox.json says, as any other tool would."""
        wechatpay = self.sandbox.description()["wechatpay"]
        keys = PlatformKeys({wechatpay["public_key_id"]: load_public_key(wechatpay["public_key_pem"])})
        return keys.with_certificate(load_certificate(wechatpay["certificate_pem"]))

    def is_signed(self, answer: httpx2.Response) -> bool:
        """Whether the answer's signature verifies with the key its serial names."""
        headers = answer.headers
        if "wechatpay-signature" not in headers:
            return False
        key = self.platform_keys.get(headers["wechatpay-serial"])
        message = response_message(headers["wechatpay-timestamp"], headers["wechatpay-nonce"], answer.content)
        return key is not None and verify(key, message, headers["wechatpay-signature"])


StoryMaker = Callable[..., Story]


@pytest.fixture
async def tell(identity: Identity) -> AsyncIterator[StoryMaker]:
    """Makes a story: `tell(reply_limit=200, quiet_payers=False)`; policies and create()'s options."""
    made: list[Story] = []

    def begin(**options: Any) -> Story:
        receiver = Receiver()
        own = {name: options.pop(name) for name in list(options) if name not in Policy.__dataclass_fields__}
        sandbox = Sandbox.create(
            **{
                "identity": identity,
                "start": NINE_IN_THE_MORNING,
                "speed": 0,
                "transport": httpx2.MockTransport(receiver),
                "policy": Policy(**options),
                **own,
            }
        )
        made.append(Story(sandbox, receiver))
        return made[-1]

    yield begin
    for story in made:
        await story.http.aclose()
        await story.sandbox.aclose()


@pytest.fixture
def story(tell: StoryMaker) -> Story:
    return tell()


def tail(answer: httpx2.Response) -> int:
    """The numeric code at the end of Request-ID."""
    return int(answer.headers["request-id"].rpartition("-")[2])


@pytest.fixture
def refused() -> Callable[..., None]:
    """Asserts a refusal: status, code, and optionally the number and a part of the message."""

    def check(answer: httpx2.Response, status: int, code: str, number: int | None = None, says: str = "") -> None:
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        assert says in answer.json()["message"]
        assert tail(answer) != 0
        if number is not None:
            assert tail(answer) == number

    return check
