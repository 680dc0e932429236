"""A served sandbox as any tool sees it: what its sandbox.json says, its control address, its clock."""

from __future__ import annotations

import json
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from kesu.clock import ClockFile
from kesu.wechatpay import load_private_key, seal_notice
from tests.processes import environment, kesu, running


class ServedSandbox:
    def __init__(self, file: Path) -> None:
        self.file = file
        self.described: dict[str, Any] = json.loads(file.read_text())
        self.platform: dict[str, str] = self.described["wechatpay"]
        self.merchants: list[dict[str, Any]] = self.described["merchants"]

    def control(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """GET, or POST what is given. Raises urllib.error.HTTPError when the sandbox refuses."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.described["control_url"] + path, data)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def complain(self, mchid: str, **wish: Any) -> list[str]:
        made: list[str] = self.control("/complaints", {"mchid": mchid, "temperament": "none", **wish})["complaint_ids"]
        return made

    def now(self) -> datetime:
        """The sandbox's time, from the file from which a desk reads it."""
        reading = ClockFile(**json.loads(Path(self.described["clock_file"]).read_text()))
        return datetime.fromtimestamp(reading.at(time.time()), UTC)

    def merchant(self, role: str = "merchant") -> dict[str, Any]:
        return next(merchant for merchant in self.merchants if merchant["role"] == role)

    @cached_property
    def platform_key(self) -> RSAPrivateKey:
        return load_private_key(self.platform["private_key_pem"])

    def notice(
        self, complaint_id: str, merchant: dict[str, Any], *, id: str = "", action_type: str = "USER_RESPONSE"
    ) -> tuple[dict[str, str], bytes]:
        """A genuine notice (headers, body), signed now with the platform's key."""
        return seal_notice(
            private_key=self.platform_key,
            serial=self.platform["public_key_id"],
            apiv3_key=merchant["apiv3_key"],
            payload={"complaint_id": complaint_id, "action_type": action_type},
            now=self.now(),
            id=id or str(uuid.uuid4()),
            event_type="COMPLAINT.STATE_CHANGE",
        )


@contextmanager
def serving_sandbox(directory: Path, *options: str) -> Iterator[ServedSandbox]:
    """`kesu sandbox --quiet-payers` on ``directory`` for the time of the block."""
    file = directory / "sandbox.json"
    command = kesu("sandbox", "--dir", str(directory), "--quiet-payers", *options)
    log = directory.with_name(f"{directory.name}.log")
    with running(command, log, environment(directory), ready=file.exists):
        yield ServedSandbox(file)
