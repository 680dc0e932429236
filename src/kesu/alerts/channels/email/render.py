"""A push as a mail: plain text, and the same as simple HTML in which everything is escaped."""

from __future__ import annotations

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape

from kesu.alerts.channels.base import Push
from kesu.alerts.channels.email.settings import EmailSettings
from kesu.alerts.content import Content, Tone
from kesu.alerts.text import one_line
from kesu.vault import keyring

TEXT_BYTES = 8192
SHORT_BYTES = 900
SUBJECT_CHARACTERS = 120


def mail(push: Push, settings: EmailSettings) -> EmailMessage:
    """The mail. Its Message-ID stays the same when the push is repeated, so that mailboxes show it once."""
    found = EmailMessage(policy=SMTP)
    found["Subject"] = one_line(f"{push.content.headline} {push.content.title}")[:SUBJECT_CHARACTERS]
    found["From"] = Address("Kesu 客诉", addr_spec=settings.sender)
    found["To"] = tuple(Address(addr_spec=address) for address in settings.recipients)
    found["Date"] = format_datetime(push.now)
    found["Message-ID"] = message_id(push.id, settings)
    found["Auto-Submitted"] = "auto-generated"
    if thread := str((push.facts or {}).get("complaint_id", "")):
        found["References"] = message_id(f"case.{thread}", settings)
    if push.content.tone is Tone.WARNING:
        found["Importance"] = "high"
    found.set_content(push.content.plain(SHORT_BYTES if push.short else TEXT_BYTES), cte="base64")
    if not push.short:
        found.add_alternative(html(push.content), subtype="html", cte="base64")
    return found


def message_id(name: str, settings: EmailSettings) -> str:
    """``<...@sender's domain>``: the same for one name, and never the one of another installation."""
    return f"<kesu.{keyring().fingerprint(name, 'email.message_id')[:32]}@{settings.sender.partition('@')[2]}>"


def html(content: Content) -> str:
    """No style sheet, no picture, nothing that is fetched."""
    title = " · ".join(part for part in (content.title, *content.notes) if part)
    rows = "".join(f"<tr><td>{escape(row.label)}</td><td>{escape(row.value)}</td></tr>" for row in content.rows)
    quote = f"<p>{escape(content.quote_label)}</p><blockquote>{escape(content.quote)}</blockquote>"
    link = f'<p><a href="{escape(content.link)}">{escape(content.link_text)}</a></p>'
    parts = [
        f"<h3>{escape(content.headline)}</h3>",
        f"<p><b>{escape(title)}</b></p>" if title else "",
        f'<table cellpadding="4">{rows}</table>' if rows else "",
        quote if content.quote else "",
        link if content.link else "",
    ]
    return f"<!doctype html><html><body>{''.join(parts)}</body></html>"
