"""Genuine notices in stock, signed by as many processes as there are cores: signing is much dearer than verifying."""

from __future__ import annotations

import os
import pickle
import uuid
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from kesu.wechatpay import load_private_key, seal_notice


def store(file: Path, count: int, *, path: str, key_pem: str, serial: str, apiv3_key: str) -> None:
    """Write ``count`` whole HTTP requests, pickled. They are accepted for five minutes."""
    cores = os.cpu_count() or 1
    share = -(-count // cores)
    with ProcessPoolExecutor(cores) as pool:
        parts = pool.map(_sign, [(share, path, key_pem, serial, apiv3_key)] * cores)
        file.write_bytes(pickle.dumps([request for part in parts for request in part][:count]))


def _sign(order: tuple[int, str, str, str, str]) -> list[bytes]:
    count, path, key_pem, serial, apiv3_key = order
    key = load_private_key(key_pem)
    return [_request(path, *_notice(key, serial, apiv3_key)) for _ in range(count)]


def _notice(key: object, serial: str, apiv3_key: str) -> tuple[dict[str, str], bytes]:
    number = uuid.uuid4()
    return seal_notice(
        private_key=key,  # type: ignore[arg-type]
        serial=serial,
        apiv3_key=apiv3_key,
        payload={"complaint_id": f"2002018202611{number.int % 10**14:014d}", "action_type": "CREATE_COMPLAINT"},
        now=datetime.now(UTC),
        id=str(number),
        event_type="COMPLAINT.CREATE",
    )


def _request(path: str, headers: dict[str, str], body: bytes) -> bytes:
    """The headers that the platform sends, as it sends them."""
    sent = {
        "Host": "127.0.0.1",
        "User-Agent": "Mozilla/4.0",
        "Accept": "*/*",
        "Content-Length": str(len(body)),
        "Request-ID": uuid.uuid4().hex.upper() + "-0",
    } | headers
    head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body
