"""Words of payers, colleagues and other programs are text on every page, never markup."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from django.apps import apps
from django.db import DataError, IntegrityError, models, transaction

from kesu.accounts.actor import Actor, Via
from kesu.audit.actions import Action
from kesu.audit.services import record
from kesu.commands.models import Note
from kesu.complaints.models import Complaint, MediaBlob, TimelineEntry
from kesu.vault.fields import SealedTextField
from tests.desk_seeds import picture_of, say
from tests.security.walking import filled, pages

MARK = "kx-evil"
HOSTILE = (
    f"\u202e\"'><{MARK} onmouseover=kx()>{{{{7|add:7}}}}{{% now 'Y' %}}</script></title>javascript:kx()//&#60;{MARK}>"
)
SHORT = f"'\"><{MARK} onx=kx()>"
OURS = ("kesu.",)
KEPT = {
    # Names and numbers by which rows are found: what stands there was checked before it was stored.
    "token_fingerprint", "fingerprint", "url_fingerprint", "sha256", "payload_sha256", "budget_key", "log_id", "hash",
    "previous_hash", "payer_phone_fingerprint", "payer_openid_fingerprint", "complaint_id", "mchid", "serial",
    "deadline_profile", "language", "quiet_hours", "base_url", "backup_base_url", "password", "query", "role", "via",
    "action", "complainted_mchid", "sub_mchid", "dedupe_key", "urgency", "audience", "content_type", "cause",
}  # fmt: skip
STRUCTURED = {"payload", "raw", "settings", "data", "secret", "previous_secret", "token", "private_key", "key", "value"}
"""Sealed JSON and keys; what is hostile inside them is put there by hand below."""
SHOWN = {
    "complaint.detail", "complaint.problem_description", "timelineentry.details", "timelineentry.operator", "note.text",
    "submerchant.name", "account.name", "user.display_name", "quickreply.name", "savedview.name", "channel.name",
    "attempt.answer", "order.out_trade_no", "refundrequest.reason", "endpoint.name", "rota.name",
    "deliveryattempt.response", "invitation.display_name", "block.text", "block.button", "block.faq", "click.message",
    "command.text", "audit.subject", "audit.details",
}  # fmt: skip
"""Texts that some page is known to show: the walk would be idle if it did not meet them."""


class Page(HTMLParser):
    """What a browser would make of a page, and what of it could act."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.text = ""
        self._script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == MARK or tag in ("style", "iframe", "object", "embed", "base"):
            self.wrong.append(f"<{tag}>")
        self._script = tag == "script"
        if self._script and "src" not in given and given.get("type") != "application/json":
            self.wrong.append("inline script")
        for name, value in given.items():
            self._look_at(tag, name, value)

    def _look_at(self, tag: str, name: str, value: str) -> None:
        plain = re.sub(r"[\x00-\x20]", "", value).lower()
        if name.startswith(("on", "hx-on")) or name in ("style", "srcdoc") or MARK in name:
            self.wrong.append(f"{tag} {name}={value}")
        leads = name in ("href", "src", "action", "formaction", "hx-get", "hx-post", "hx-push-url", "poster")
        if leads and re.match(r"(javascript|data|vbscript):|//", plain):
            self.wrong.append(f"{tag} {name}={value}")
        if name in ("hx-vals", "hx-headers", "hx-trigger") and re.search(r"js:|javascript:|\[", plain):
            self.wrong.append(f"{tag} {name}={value}")
        if name in ("src", "href", "action") and tag != "a" and plain.startswith("http"):
            self.wrong.append(f"{tag} {name}={value} from elsewhere")
        self.text += f" {value}"

    def handle_endtag(self, tag: str) -> None:
        self._script = False

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def hostile(desk, rows, now):
    """Every text that anybody can write, on every row of the desk, ends its attribute and its tag. Each names its
    field, so that the walk knows what it saw."""
    _structured(rows, now)
    for model in apps.get_models():
        if model.__module__.startswith(OURS) and model._meta.app_label != "audit":
            for field in model._meta.local_fields:
                _poison(model, field)
    return rows


def _poison(model: Any, field: Any) -> None:
    text = (
        isinstance(field, models.CharField | models.TextField | SealedTextField)
        and not field.choices
        and not field.primary_key
    )
    if not text or field.name in KEPT | STRUCTURED or field.name.endswith("mchid"):
        return
    name = f"{model._meta.model_name}.{field.name}"
    for pk in model.objects.values_list("pk", flat=True):
        for words in (f"[{name}:{pk}]{HOSTILE}", f"[{name}]{SHORT}", SHORT):
            if field.max_length and len(words) > field.max_length:
                continue
            try:
                with transaction.atomic():
                    model.objects.filter(pk=pk).update(**{field.name: words})
            except (IntegrityError, DataError):
                continue
            break


def _structured(rows: Any, now: Any) -> None:
    """What the platform sends as objects, and words that are sealed in objects of ours."""

    def bad(name: str) -> str:
        return f"[{name}]{HOSTILE}"

    blocks = [
        {"type": "TEXT", "text": {"text": bad("block.text"), "color": HOSTILE, "is_bold": HOSTILE}},
        {"type": "IMAGE", "image": {"media_id": HOSTILE, "image_style_type": HOSTILE}},
        {"type": "LINK", "link": {"text": bad("block.link"), "action": {"jump_url": "javascript:kx()"}}},
        {"type": "BUTTON_GROUP", "button_group": {"buttons": [{"text": bad("block.button"), "action": HOSTILE}]}},
        {"type": "FAQ_LIST", "faq_list": {"faqs": [{"faq_id": HOSTILE, "faq_title": bad("block.faq")}]}},
        {"type": HOSTILE, HOSTILE: HOSTILE},
    ]
    more = {"normal_message": {"blocks": blocks}, "click_message": {"message_content": bad("click.message")}}
    more["user_appy_platform_service_reason_description"] = bad("platform.reason")
    log_id = say(rows.case, "USER_RESPONSE", now, HOSTILE, HOSTILE[:60], **more)
    say(rows.case, SHORT, now, HOSTILE, SHORT)
    picture_of(rows.case, log_id, now=now, content=b"<svg onload=kx()>")
    MediaBlob.objects.filter(content=b"<svg onload=kx()>").update(content_type="image/svg+xml")
    Complaint.objects.filter(pk=rows.case.pk).update(user_tags=[SHORT, "HIGH_RISK"])
    actor = Actor(rows.note.author, Via.PAGE, "203.0.113.7")
    record(actor, Action.PERSON_CHANGED, bad("audit.subject")[:200], {"said": bad("audit.details")}, now=now)
    rows.command.payload = json.dumps({"text": bad("command.text")})
    rows.command.concerns = [{"code": SHORT, "message": HOSTILE, "better": SHORT}]
    rows.command.save()


def walk(desk: Any, numbers: Any) -> dict[str, Any]:
    """Every page that opens, by its address."""
    asked = {}
    for route in pages():
        address = filled(route, numbers)
        asked[address] = desk.get(address)
        if route in ("/", "/live", "/cases/<int:pk>", "/cases/<int:pk>/live"):
            more = {"/": "?view=all&q=%3Ckx-evil%3E%22", "/live": "?view=all&mark=0"}.get(route, "?together=1&stamp=0")
            asked[address + more] = desk.get(address + more)
    return asked


def test_no_page_takes_anybodys_words_for_markup(desk, hostile):
    seen = ""
    opened = 0
    for address, answer in walk(desk, hostile.numbers).items():
        assert answer.status_code < 500, address
        html = not answer.streaming and "html" in answer.headers.get("Content-Type", "")
        if answer.status_code != 200 or not html:
            continue
        page = Page()
        said = answer.content.decode()
        page.feed(said)
        assert page.wrong == [], address
        assert f"<{MARK}" not in said, address
        opened += 1
        seen += page.text
    assert opened > 30
    assert "{{7|add:7}}" in seen  # as it was written, not as a template would read it
    assert {name for name in SHOWN if f"[{name}" not in seen} == set()


def test_what_is_pressed_answers_with_text_too(desk, hostile):
    """Refused forms show again what was typed, and what stands in the way."""
    case = f"/cases/{hostile.case.pk}"
    for act in ("reply", "reject", "refund", "note", "approve", "complete", "lint", "phone"):
        values = {"text": HOSTILE, "reason": HOSTILE, "remark": HOSTILE, "amount": HOSTILE, "override_reason": HOSTILE}
        values |= {"key": HOSTILE, "seen": HOSTILE, "button_1": HOSTILE, "link_to": "javascript:kx()", "form": HOSTILE}
        for headers in ({}, {"HX-Request": "true", "HX-Current-URL": f"http://testserver{case}"}):
            answer = desk.post(f"{case}/{act}", values | {"do": "look"}, headers=headers)
            page = Page()
            page.feed(answer.content.decode())
            assert page.wrong == [], act
    answer = desk.post("/settings/templates/new", {"name": HOSTILE, "text": HOSTILE, "problem_type": HOSTILE})
    page = Page()
    page.feed(answer.content.decode())
    assert page.wrong == []


def test_a_picture_that_is_a_page_is_never_served(desk, hostile):
    evil = hostile.case.media.get(blob__content_type="image/svg+xml")
    assert desk.get(f"/media/{evil.pk}").status_code == 404


def test_the_hostile_words_are_where_they_were_put(hostile):
    assert MARK in Complaint.objects.get(pk=hostile.case.pk).detail
    assert MARK in Note.objects.get(pk=hostile.note.pk).text
    assert TimelineEntry.objects.filter(details__contains=MARK).count() > 5
