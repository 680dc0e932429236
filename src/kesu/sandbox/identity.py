"""Who is who in this sandbox: the platform's keys, the merchants with theirs, the first robot's key.

Made once, kept in `DIR/identity.json` (mode 0600) and reused on every later start.
"""

from __future__ import annotations

import json
import os
import secrets
import string
import uuid
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID

from kesu.sandbox.shops import shop_of
from kesu.wechatpay.keys import load_certificate, load_private_key

# Wide around any virtual time: SDKs judge validity by the machine's clock, stories by the virtual one.
_VALID_FROM = datetime(2020, 1, 1, tzinfo=UTC)
_VALID_FOR = timedelta(days=365 * 30)
PLATFORM_NAME = "Tenpay.com Sandbox CA"
_LETTERS = string.ascii_letters + string.digits
CertificateState = Literal["announced", "in_use", "retired"]


@dataclass
class KeyPair:
    """A private key and its certificate, both PEM. serial_no: upper-case hex."""

    serial_no: str
    private_key_pem: str
    certificate_pem: str

    @cached_property
    def private_key(self) -> RSAPrivateKey:
        return load_private_key(self.private_key_pem)

    @cached_property
    def public_key(self) -> RSAPublicKey:
        return load_certificate(self.certificate_pem).public_key

    @property
    def public_key_pem(self) -> str:
        pem: bytes = self.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return pem.decode("ascii")


@dataclass
class Account:
    """A number that signs requests: a direct merchant, or a partner (服务商) with its sub-merchants."""

    mchid: str
    role: str
    keys: KeyPair
    apiv3_key: str
    sub_mchids: list[str] = field(default_factory=list)
    older_keys: list[KeyPair] = field(default_factory=list)
    """Certificates before the present one that are not revoked: they still sign."""
    seals_to_older: bool = False
    """The platform still seals phone numbers to the certificate before the present one."""

    def keys_of(self, serial_no: str) -> KeyPair | None:
        """The key pair of a certificate that may sign; None for any other serial number."""
        return next((pair for pair in (self.keys, *self.older_keys) if pair.serial_no == serial_no.upper()), None)

    @property
    def sealing_key(self) -> RSAPublicKey:
        """What sensitive fields for this account are sealed to."""
        return (self.older_keys[-1] if self.seals_to_older and self.older_keys else self.keys).public_key

    def speaks_for(self, mchid: str) -> bool:
        """Whether complaints against `mchid` belong to this account."""
        return mchid in self.sub_mchids if self.role == "partner" else mchid == self.mchid

    @property
    def shops(self) -> list[str]:
        """The numbers that can be complained about."""
        return self.sub_mchids if self.role == "partner" else [self.mchid]


@dataclass
class PlatformCertificate:
    """One of the platform's certificates. announced: can be downloaded, signs nothing yet. While several are in use
    either signs (平台证书更换: the last days of the old one)."""

    keys: KeyPair
    state: CertificateState = "in_use"


@dataclass
class Identity:
    """Everything that outlives a restart besides the platform's memory. `port`: the one served last.

    `platform` is the public key's pair, and that of the first certificate.
    """

    public_key_id: str
    platform: KeyPair
    accounts: list[Account]
    robot_key: str
    port: int | None = None
    certificates: list[PlatformCertificate] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.certificates = self.certificates or [PlatformCertificate(self.platform)]

    @classmethod
    def create(cls) -> Identity:
        """A new platform with one direct merchant and one partner of three sub-merchants (0.5 s)."""
        return cls(
            public_key_id=f"PUB_KEY_ID_0{_digits(33)}",
            platform=key_pair(PLATFORM_NAME),
            accounts=[
                Account("1900010001", "merchant", key_pair("1900010001"), apiv3_key()),
                Account(
                    "1900020001",
                    "partner",
                    key_pair("1900020001"),
                    apiv3_key(),
                    ["1900020101", "1900020102", "1900020103"],
                ),
            ],
            robot_key=str(uuid.uuid4()),
        )

    @classmethod
    def load(cls, file: Path) -> Identity:
        raw = json.loads(file.read_text())
        accounts = [
            Account(
                **{
                    **account,
                    "keys": KeyPair(**account["keys"]),
                    "older_keys": [KeyPair(**pair) for pair in account.get("older_keys", [])],
                }
            )
            for account in raw["accounts"]
        ]
        certificates = [
            PlatformCertificate(KeyPair(**one["keys"]), one["state"]) for one in raw.get("certificates", [])
        ]
        platform = KeyPair(**raw["platform"])
        return cls(**{**raw, "platform": platform, "accounts": accounts, "certificates": certificates})

    @classmethod
    def load_or_create(cls, directory: Path) -> Identity:
        file = directory / "identity.json"
        if file.exists():
            return cls.load(file)
        identity = cls.create()
        identity.save(directory)
        return identity

    def save(self, directory: Path) -> None:
        write_private(directory / "identity.json", asdict(self))

    @property
    def certificates_in_use(self) -> list[KeyPair]:
        """Those that sign, oldest first."""
        return [one.keys for one in self.certificates if one.state == "in_use"]

    def signing_key(self, serial: str) -> RSAPrivateKey:
        """The platform's private key behind a serial number; the public key's for its id."""
        pairs = (one.keys for one in self.certificates if one.keys.serial_no == serial)
        return next(pairs, self.platform).private_key

    def account(self, mchid: str) -> Account | None:
        """The signing account of that number; None for a sub-merchant or a stranger."""
        return next((account for account in self.accounts if account.mchid == mchid), None)

    def owner_of(self, mchid: str) -> Account | None:
        """The account that handles complaints against `mchid`."""
        return next((account for account in self.accounts if account.speaks_for(mchid)), None)

    @property
    def shops(self) -> list[str]:
        return [mchid for account in self.accounts for mchid in account.shops]

    def description(self, base_url: str, clock_file: Path | None) -> dict[str, Any]:
        """What `sandbox.json` says: all that a tool needs to use this sandbox, private keys included."""
        platform, certificate = self.platform, self.certificates_in_use[-1]
        return {
            "wechatpay": {
                "base_url": base_url,
                "public_key_id": self.public_key_id,
                "public_key_pem": platform.public_key_pem,
                "certificate_serial": certificate.serial_no,
                "certificate_pem": certificate.certificate_pem,
                "private_key_pem": platform.private_key_pem,
            },
            "merchants": [
                {
                    "mchid": account.mchid,
                    "role": account.role,
                    "sub_mchids": account.sub_mchids,
                    "serial_no": account.keys.serial_no,
                    "private_key_pem": account.keys.private_key_pem,
                    "certificate_pem": account.keys.certificate_pem,
                    "apiv3_key": account.apiv3_key,
                }
                for account in self.accounts
            ],
            "wecom": {"webhook_url": f"{base_url}/cgi-bin/webhook/send?key={self.robot_key}"},
            "control_url": f"{base_url}/control",
            "shops": {mchid: shop_of(self.shops, mchid).name for mchid in self.shops},
            "clock_file": str(clock_file) if clock_file else None,
        }


def write_private(file: Path, content: dict[str, Any]) -> None:
    """Write JSON atomically, readable by the owner only."""
    fresh = file.with_name(file.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        json.dump(content, stream, ensure_ascii=False, indent=1)
    fresh.replace(file)


def key_pair(name: str, valid_until: datetime | None = None) -> KeyPair:
    """A new RSA key and a certificate for it; `valid_until`: aware, decades ahead when None."""
    key = generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    serial = int.from_bytes(b"\x5e" + secrets.token_bytes(19))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(_VALID_FROM)
        .not_valid_after(valid_until or _VALID_FROM + _VALID_FOR)
        .sign(key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return KeyPair(f"{serial:X}", private.decode("ascii"), certificate.public_bytes(Encoding.PEM).decode("ascii"))


def _digits(count: int) -> str:
    return "".join(secrets.choice(string.digits) for _ in range(count))


def apiv3_key() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(32))
