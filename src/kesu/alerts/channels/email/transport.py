"""One push by SMTP. What the server's replies mean: 4xx later, 5xx never, a refused password nothing any more.

smtplib blocks, so a thread waits for it. Every step before the text is handed over leaves no doubt; after it, silence
means that the mail may have arrived.
"""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import httpx2

from kesu.alerts.channels.apart import call_apart
from kesu.alerts.channels.base import (
    Budget,
    ChannelDeadError,
    PayloadError,
    Push,
    Receipt,
    SendError,
    TransientError,
    UnknownOutcomeError,
    parse_settings,
    sha256_hex,
)
from kesu.alerts.channels.email.render import mail
from kesu.alerts.channels.email.settings import EmailSettings

STEP_SECONDS = 10
WHOLE_CALL_SECONDS = 40
CREDENTIALS_REFUSED = frozenset({530, 534, 535, 538})
"""Authentication required, too weak, wrong, or encryption required for it (RFC 4954, section 6)."""


class Email:
    """Mails through a server of one's own. A good trail and a last resort; nobody is woken by it."""

    name = "email"
    budget = Budget(limit=30)

    def parse(self, raw: Mapping[str, Any]) -> EmailSettings:
        return parse_settings(EmailSettings, raw)

    def budget_secret(self, settings: EmailSettings) -> str:
        return f"{settings.host}:{settings.actual_port} {settings.user} {settings.sender}"

    def address(self, settings: EmailSettings) -> str:
        return settings.address

    async def send(self, push: Push, settings: EmailSettings, client: httpx2.AsyncClient) -> Receipt:
        body = mail(push, settings).as_bytes()
        try:
            async with asyncio.timeout(WHOLE_CALL_SECONDS):
                return await call_apart(lambda: _deliver(body, settings))
        except TimeoutError:
            raise UnknownOutcomeError("the server took too long", payload_sha256=sha256_hex(body)) from None


def _deliver(body: bytes, settings: EmailSettings) -> Receipt:
    digest = sha256_hex(body)
    with _session(settings, digest) as server:
        _expect(server.mail(settings.sender), "sender", digest)
        replies = [server.rcpt(address) for address in settings.recipients]
        refused = [reply for reply in replies if reply[0] not in (250, 251)]
        if len(refused) == len(replies):
            _expect(min(refused), "every recipient", digest)  # one that may be taken later is worth another try
        code, text = _hand_over(server, body, digest)
    answer = (
        f"{len(refused)} of {len(replies)} recipients refused: {_said(refused[0])}" if refused else _said((code, text))
    )
    return Receipt(code=str(code), answer=answer[:300], payload_sha256=digest)


@contextmanager
def _session(settings: EmailSettings, digest: str) -> Iterator[smtplib.SMTP]:
    """A connection that is encrypted and signed in as the settings want it. Raises SendError for all that fails."""
    try:
        with _connected(settings) as server:
            server.ehlo_or_helo_if_needed()
            if settings.security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if settings.user:
                server.login(settings.user, settings.password)
            yield server
    except ssl.SSLCertVerificationError:
        raise ChannelDeadError("the server's certificate is not valid", code="tls", payload_sha256=digest) from None
    except smtplib.SMTPNotSupportedError as error:
        raise ChannelDeadError(str(error), code="unsupported", payload_sha256=digest) from None
    except smtplib.SMTPAuthenticationError as error:
        reply = (error.smtp_code, error.smtp_error)
        raise _error_of(reply, "user or password", digest, permanent=ChannelDeadError) from None
    except smtplib.SMTPResponseException as error:
        reply = (error.smtp_code, error.smtp_error)
        raise _error_of(reply, "connection", digest, permanent=ChannelDeadError) from None
    except (smtplib.SMTPException, OSError) as error:
        raise TransientError(f"not reached ({type(error).__name__})", payload_sha256=digest) from None


@contextmanager
def _connected(settings: EmailSettings) -> Iterator[smtplib.SMTP]:
    if settings.security == "ssl":
        context = ssl.create_default_context()
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            settings.host, settings.actual_port, timeout=STEP_SECONDS, context=context
        )
    else:
        server = smtplib.SMTP(settings.host, settings.actual_port, timeout=STEP_SECONDS)
    try:
        yield server
    finally:  # what the server answers to a farewell says nothing about the mail
        with suppress(smtplib.SMTPException, OSError):
            server.quit()
        server.close()


def _hand_over(server: smtplib.SMTP, body: bytes, digest: str) -> tuple[int, bytes]:
    try:
        reply = server.data(body)
    except smtplib.SMTPDataError as error:  # refused before the text was written
        reply = (error.smtp_code, _bytes(error.smtp_error))
    except (smtplib.SMTPServerDisconnected, OSError) as error:
        raise UnknownOutcomeError(f"no answer ({type(error).__name__})", payload_sha256=digest) from None
    _expect(reply, "text", digest)
    return reply


def _expect(reply: tuple[int, bytes], what: str, digest: str) -> None:
    if not 200 <= reply[0] < 300:
        raise _error_of(reply, what, digest, permanent=PayloadError)


def _error_of(reply: tuple[int, Any], what: str, digest: str, *, permanent: type[SendError]) -> SendError:
    """4xx is tried again; 5xx is for good, and the channel is dead if it is about credentials."""
    error = TransientError if reply[0] < 500 else permanent
    if reply[0] in CREDENTIALS_REFUSED:
        error = ChannelDeadError
    return error(f"{what} refused: {_said(reply)}", code=str(reply[0]), payload_sha256=digest)


def _said(reply: tuple[int, Any]) -> str:
    return _bytes(reply[1]).decode("utf-8", "replace").replace("\n", " ")


def _bytes(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "replace")


KIND = Email()
