"""Rows for tests that begin in the middle."""

from __future__ import annotations

from datetime import UTC, datetime

from kesu.merchants.models import Account
from kesu.merchants.services import NewAccount, save_account
from tests.keys import APIV3_KEY, PUBLIC_KEY_ID, certificate_pem, private_pem, public_pem

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


def make_account(mchid: str = "1900000001", *, now: datetime = NOW, **changes: object) -> Account:
    """An account whose platform keys are those of ``tests.keys``: key ``platform`` and certificate 1234ABCD."""
    values: dict[str, object] = {
        "mchid": mchid,
        "name": "测试商户",
        "private_key_pem": private_pem("merchant"),
        "serial_no": "1234ABCD",
        "certificate_pem": certificate_pem("merchant"),
        "apiv3_key": APIV3_KEY,
        "platform_keys": {PUBLIC_KEY_ID: public_pem("platform"), "7E57": certificate_pem("platform", 0x7E57)},
    }
    return save_account(NewAccount(**(values | changes)), now=now)  # type: ignore[arg-type]
