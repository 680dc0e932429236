"""E-mail: what is in it, and what an SMTP server's replies mean. The server is aiosmtpd, told how to answer."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kesu.alerts.channels import KINDS
from kesu.alerts.channels.base import (
    ChannelDeadError,
    PayloadError,
    SendError,
    SettingsError,
    TransientError,
    UnknownOutcomeError,
)
from kesu.alerts.channels.email.render import html, mail, message_id
from kesu.alerts.channels.email.settings import EmailSettings
from kesu.alerts.content import Content, Row

from .conftest import CONTENT, LINK, Sender, push

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")

PASSWORD = "correct horse battery"
RAW = {
    "host": "127.0.0.1",
    "security": "none",
    "sender": "desk@example.com",
    "recipients": ["team@example.com", "boss@example.com"],
}


class MailServer:
    """Says yes, unless told what to say at a step (mail, rcpt, data, quit) or to whom."""

    def __init__(self) -> None:
        self.says: dict[str, str] = {}
        self.mails: list[EmailMessage] = []
        self.hangs_up = False
        self.port = 0

    async def handle_MAIL(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        envelope.mail_from = address
        return self.says.get("mail", "250 OK")

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        reply = self.says.get(address, self.says.get("rcpt", "250 OK"))
        if reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.hangs_up:
            server.transport.abort()
            return "421 bye"
        reply = self.says.get("data", "250 queued as 42")
        if reply.startswith("250"):
            self.mails.append(message_from_bytes(envelope.content, policy=default))  # type: ignore[arg-type]
        return reply

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        return self.says.get("quit", "221 bye")

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        right = data.login == b"desk" and data.password == PASSWORD.encode()
        return AuthResult(success=right, handled=bool(right))

    @property
    def raw(self) -> dict[str, Any]:
        return RAW | {"port": self.port}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
def server() -> Iterator[MailServer]:
    yield from serve()


def serve(**options: Any) -> Iterator[MailServer]:
    handler = MailServer()
    handler.port = free_port()
    authenticator = handler.authenticate if options.pop("asks_for_password", False) else None
    controller = Controller(handler, "127.0.0.1", handler.port, authenticator=authenticator, **options)
    controller.start()
    try:
        yield handler
    finally:
        controller.stop()


@pytest.fixture
def guarded() -> Iterator[MailServer]:
    """A server on this machine that wants user and password."""
    yield from serve(asks_for_password=True, auth_required=True, auth_require_tls=False)


@pytest.fixture
def selfsigned(tmp_path: Path) -> Iterator[MailServer]:
    """A server whose certificate nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    start = datetime(2020, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=36500))
        .sign(key, hashes.SHA256())
    )
    pem, encoding = tmp_path / "server.pem", serialization.Encoding.PEM
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem.write_bytes(private + certificate.public_bytes(encoding))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    yield from serve(tls_context=context)


def test_a_mail_arrives_as_text_and_as_html(send: Sender, server: MailServer) -> None:
    receipt = send("email", server.raw, push(facts={"complaint_id": "2002018"}))
    assert (receipt.code, receipt.answer) == ("250", "queued as 42")
    (found,) = server.mails
    assert found["Subject"] == "回复剩 3小时12分 ¥199.00 新投诉"
    assert found["To"] == "team@example.com, boss@example.com"
    assert found["From"].addresses[0].addr_spec == "desk@example.com"
    assert found["Importance"] == "high"
    text, rich = found.get_body(("plain",)), found.get_body(("html",))
    assert text is not None
    assert rich is not None
    assert text.get_content().splitlines()[0] == CONTENT.headline
    assert LINK in text.get_content()
    assert f'<a href="{LINK}">打开投诉单</a>' in rich.get_content()


def test_a_repeated_push_has_the_same_id_and_another_push_another() -> None:
    settings = EmailSettings.model_validate(RAW)
    first, again, other = (mail(push(id=name), settings)["Message-ID"] for name in ("1-1", "1-1", "1-2"))
    assert first == again != other
    assert first.endswith("@example.com>")


def test_the_mails_of_one_case_are_one_thread() -> None:
    settings = EmailSettings.model_validate(RAW)
    first = mail(push(id="1-1", facts={"complaint_id": "42"}), settings)
    second = mail(push(id="1-2", facts={"complaint_id": "42"}), settings)
    assert first["References"] == second["References"] == message_id("case.42", settings)


def test_everything_in_the_html_is_escaped() -> None:
    hostile = "<script>alert(1)</script>\"'"
    content = Content(hostile, hostile, rows=(Row(hostile, hostile),), quote=hostile, quote_label="x", link=hostile)
    assert "<script" not in html(content)
    assert 'href="&lt;script&gt;alert(1)&lt;/script&gt;&quot;' in html(content)


def test_a_line_break_in_the_headline_adds_no_header() -> None:
    found = mail(push(Content("a\r\nBcc: x@evil.example", "新投诉")), EmailSettings.model_validate(RAW))
    assert found["Bcc"] is None
    assert found["Subject"] == "a Bcc: x@evil.example 新投诉"


@pytest.mark.parametrize(
    ("step", "reply", "error"),
    [
        ("mail", "451 4.3.0 try later", TransientError),
        ("mail", "550 5.7.1 sender not allowed", PayloadError),
        ("mail", "530 5.7.0 authentication required", ChannelDeadError),
        ("rcpt", "450 4.2.1 mailbox busy", TransientError),
        ("rcpt", "550 5.1.1 no such user", PayloadError),
        ("data", "452 4.3.1 storage full", TransientError),
        ("data", "554 5.6.0 looks like spam", PayloadError),
        ("data", "552 5.3.4 too big", PayloadError),
    ],
)
def test_4xx_is_for_later_and_5xx_for_good(
    send: Sender, server: MailServer, step: str, reply: str, error: type[SendError]
) -> None:
    server.says[step] = reply
    with pytest.raises(error) as caught:
        send("email", server.raw)
    assert caught.value.receipt.code == reply[:3]
    assert reply[4:] in caught.value.receipt.answer
    assert server.mails == []


def test_a_recipient_that_is_refused_does_not_keep_it_from_the_other(send: Sender, server: MailServer) -> None:
    server.says["boss@example.com"] = "550 5.1.1 no such user"
    receipt = send("email", server.raw)
    assert receipt.answer == "1 of 2 recipients refused: 5.1.1 no such user"
    assert len(server.mails) == 1


def test_among_refused_recipients_the_one_that_may_recover_decides(send: Sender, server: MailServer) -> None:
    server.says |= {"team@example.com": "550 5.1.1 no such user", "boss@example.com": "450 4.2.1 busy"}
    with pytest.raises(TransientError):
        send("email", server.raw)


def test_what_the_server_says_to_a_farewell_changes_nothing(send: Sender, server: MailServer) -> None:
    server.says["quit"] = "500 what?"
    assert send("email", server.raw).code == "250"


def test_a_connection_lost_after_the_text_leaves_the_outcome_unknown(send: Sender, server: MailServer) -> None:
    server.hangs_up = True
    with pytest.raises(UnknownOutcomeError):
        send("email", server.raw)


def test_nobody_listening_is_transient(send: Sender) -> None:
    with pytest.raises(TransientError):
        send("email", RAW | {"port": free_port()})


def test_the_right_password_opens_the_door(send: Sender, guarded: MailServer) -> None:
    assert send("email", guarded.raw | {"user": "desk", "password": PASSWORD}).code == "250"


def test_a_wrong_password_kills_the_channel_and_is_not_repeated(send: Sender, guarded: MailServer) -> None:
    with pytest.raises(ChannelDeadError) as caught:
        send("email", guarded.raw | {"user": "desk", "password": "wrong password"})
    assert caught.value.receipt.code == "535"
    assert "wrong password" not in str(caught.value)


def test_a_server_that_wants_a_password_and_gets_none_is_dead(send: Sender, guarded: MailServer) -> None:
    with pytest.raises(ChannelDeadError) as caught:
        send("email", guarded.raw)
    assert caught.value.receipt.code == "530"


def test_a_server_without_starttls_is_dead_rather_than_used_in_clear(send: Sender, server: MailServer) -> None:
    with pytest.raises(ChannelDeadError):
        send("email", server.raw | {"security": "starttls"})
    assert server.mails == []


def test_a_certificate_nobody_vouches_for_kills_the_channel(send: Sender, selfsigned: MailServer) -> None:
    with pytest.raises(ChannelDeadError, match="certificate"):
        send("email", selfsigned.raw | {"security": "starttls"})


@pytest.mark.parametrize(
    "changes",
    [
        {"host": "smtp example"},
        {"sender": "Desk <desk@example.com>"},
        {"sender": "desk@example.com\nBcc: x@evil.example"},
        {"recipients": []},
        {"recipients": ["team"]},
        {"recipients": ["a@example.com, b@example.com"]},
        {"security": "maybe"},
        {"port": 70000},
        {"user": "desk"},
        {"host": "smtp.example.com", "user": "desk", "password": PASSWORD},
    ],
)
def test_settings_that_cannot_work_or_would_leak_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as caught:
        KINDS["email"].parse(RAW | changes)
    assert PASSWORD not in str(caught.value)


def test_recipients_may_be_typed_with_commas_between() -> None:
    settings = KINDS["email"].parse(RAW | {"recipients": "team@example.com, boss@example.com"})
    assert settings.recipients == ("team@example.com", "boss@example.com")


def test_the_address_names_no_person_and_no_password() -> None:
    settings = KINDS["email"].parse(RAW | {"security": "ssl", "user": "desk", "password": PASSWORD})
    assert KINDS["email"].address(settings) == "127.0.0.1:465 → …@example.com"
