"""Keys for tests: made once a process, never stored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

APIV3_KEY = "tests-apiv3-key-of-32-characters"
PUBLIC_KEY_ID = "PUB_KEY_ID_0000000000000000000000000000000001"


@lru_cache
def private_key(name: str) -> rsa.RSAPrivateKey:
    """One RSA key a name; 2048 bits as the platform uses."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def private_pem(name: str) -> str:
    return (
        private_key(name)
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        .decode()
    )


def public_pem(name: str) -> str:
    return (
        private_key(name)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


@lru_cache
def certificate_pem(name: str, serial: int = 0x1234ABCD) -> str:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private_key(name).public_key())
        .serial_number(serial)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=1825))
        .sign(private_key(name), hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
