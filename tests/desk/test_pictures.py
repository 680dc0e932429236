"""Payers' pictures: bytes of strangers, served so that they can do nothing."""

from __future__ import annotations

import pytest

from kesu.complaints.models import MediaBlob
from tests.desk_seeds import PICTURE, picture_of


def test_a_picture_is_served_with_everything_forbidden(desk, day, now):
    answer = desk.get(f"/media/{picture_of(day['case'], now=now).pk}")
    assert answer.content == PICTURE
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"] == "inline"
    assert "private" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("content_type", ["text/html", "image/svg+xml", "application/javascript", "", "image/png; x"])
def test_what_is_not_a_picture_is_not_served(desk, day, now, content_type):
    media = picture_of(day["case"], now=now, content=b"<script>alert(1)</script>")
    MediaBlob.objects.filter(pk=media.blob_id).update(content_type=content_type)
    assert desk.get(f"/media/{media.pk}").status_code == 404


@pytest.mark.parametrize("state", ["waiting", "lost"])
def test_a_picture_that_was_not_fetched_is_not_found(desk, day, now, state):
    media = picture_of(day["case"], now=now, state=state, blob=None)
    assert desk.get(f"/media/{media.pk}").status_code == 404
