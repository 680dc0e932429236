"""Somebody who may sign in, and the translations as they stand in the source."""

from __future__ import annotations

import base64
import re
import struct
import time
from collections.abc import Iterator
from hashlib import sha1
from hmac import digest
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from kesu.accounts.models import User
from kesu.sandbox.identity import Identity
from tests.desk_seeds import PASSWORD, make_user
from tests.translations import compile_translations

compile_translations()
PERIOD = 30


@pytest.fixture(scope="session")
def identity() -> Identity:
    """Made once: its keys take longer than a test."""
    return Identity.create()


@pytest.fixture(autouse=True)
def _language_is_reset() -> Iterator[None]:
    with translation.override("zh-hans"):
        yield


@pytest.fixture
def wang(db: None) -> User:
    return make_user()


def enter(client: Client, name: str = "wang", password: str = PASSWORD, **more: Any) -> Any:
    """One try at the sign-in page; ``more``: further fields."""
    headers = more.pop("headers", None)
    extra = {"REMOTE_ADDR": more.pop("address", "198.51.100.7")}
    return client.post("/sign-in", {"username": name, "password": password, **more}, headers=headers, **extra)


def signed_in(client: Client) -> bool:
    return client.get("/system").status_code == 200


@pytest.fixture
def confirmed(wang: User) -> Client:
    """Signed in by password, and confirmed by it a moment ago."""
    client = Client()
    enter(client)
    client.post("/me/confirm", {"password": PASSWORD})
    return client


def totp(secret: str, *, periods: int = 0) -> str:
    """RFC 6238 with SHA-1 and six digits; ``periods``: how many half minutes from now."""
    key = base64.b32decode(secret)
    mac = digest(key, struct.pack(">Q", int(time.time()) // PERIOD + periods), sha1)
    offset = mac[-1] & 15
    return f"{(struct.unpack('>I', mac[offset : offset + 4])[0] & 0x7FFFFFFF) % 10**6:06d}"


def set_up_totp(client: Client) -> str:
    """Set an authenticator app up as a person does; its secret."""
    page = client.get("/me/authenticator/add").content.decode()
    found = re.search(r'<code class="breakable">([A-Z2-7]+)</code>', page)
    assert found, page
    answer = client.post("/me/authenticator/add", {"code": totp(found[1])})
    assert answer.headers["Location"] == "/me/recovery-codes"
    return found[1]


@pytest.fixture
def secret(confirmed: Client) -> str:
    """Wang uses an authenticator app from now on."""
    return set_up_totp(confirmed)


def said(answer: Any) -> str:
    return unescape(answer.content.decode())
