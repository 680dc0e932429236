"""The API does what the pages do, as the person whose token it is, and says why when it does not."""

from __future__ import annotations

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from kesu.audit.models import AuditEntry
from kesu.commands.models import Command, OutgoingPicture
from kesu.complaints.models import Complaint

WORDS = "您好, 经核实是仓库漏发了这件商品, 我们可以今天补发或者全额退款, 请问您希望怎样处理?"


@pytest.fixture
def case(day):
    return Complaint.objects.filter(open=True, replied=False).order_by("pk").first()


def read(call, case):
    return call("get", f"/complaints/{case.complaint_id}").told


def test_a_reply_is_planned_and_can_be_followed(call, case):
    seen = read(call, case)["seen"]
    done = call("post", f"/complaints/{case.complaint_id}/reply", {"text": WORDS, "seen": seen, "key": "k-1"})
    assert done.status_code == 202, done.told
    number = done.told["command"]["id"]
    assert call("get", f"/commands/{number}").told["state"] == "planned"
    again = call("post", f"/complaints/{case.complaint_id}/reply", {"text": WORDS, "seen": seen, "key": "k-1"})
    assert again.told["command"]["id"] == number
    entry = AuditEntry.objects.get(action="replied")
    assert (entry.username, entry.via) == ("api-owner", "api")


def test_a_second_command_meets_the_first_as_a_conflict(call, case):
    read(call, case)
    call("post", f"/complaints/{case.complaint_id}/reply", {"text": WORDS})
    second = call("post", f"/complaints/{case.complaint_id}/reply", {"text": WORDS})
    assert second.status_code == 409
    assert second["Content-Type"] == "application/problem+json"
    assert (second.told["code"], second.told["commands"][0]["kind"]) == ("conflict", "reply")


def test_a_red_line_is_told_with_its_place_and_better_words(call, case):
    read(call, case)
    stopped = call("post", f"/complaints/{case.complaint_id}/reply", {"text": "您撤诉后我们马上给您退款, 请先撤诉"})
    assert (stopped.status_code, stopped.told["code"]) == (409, "refused")
    concern = next(one for one in stopped.told["concerns"] if one["code"].startswith("redline."))
    assert concern["end"] > concern["start"] >= 0
    assert concern["suggestion"]
    assert not Command.objects.exists()


def test_a_token_may_no_more_than_its_person_and_its_scopes(call, token, case):
    read_only = token("owner", ("read",))
    refused = call("post", f"/complaints/{case.complaint_id}/reply", {"text": WORDS}, secret=read_only)
    assert (refused.status_code, refused.told["code"]) == (403, "scope_missing")
    viewer = token("viewer")
    refused = call("post", f"/complaints/{case.complaint_id}/notes", {"text": "hello"}, secret=viewer)
    assert (refused.status_code, refused.told["code"]) == (403, "forbidden")
    assert call("get", "/complaints", secret="kesu_nonsense").status_code == 401


def test_pages_follow_each_other_without_gap_or_overlap(call, day):
    numbers, after = [], ""
    while True:
        page = call("get", f"/complaints?view=all&after={after}").told
        numbers += [row["complaint_id"] for row in page["items"]]
        if page["next"] is None:
            break
        after = page["next"]
    assert sorted(numbers) == sorted(Complaint.objects.values_list("complaint_id", flat=True))


def test_no_answer_holds_a_phone_an_openid_or_a_secret(call, case):
    told = str(read(call, case)) + str(call("get", "/merchants").told)
    assert "payer_phone'" not in told
    assert "openid" not in told
    assert "token" not in str(call("get", "/merchants").told)


def test_a_picture_is_kept_without_what_was_hidden_in_it(call, case):
    target = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "secret place"
    Image.new("RGB", (30, 20), "red").save(target, "JPEG", exif=exif)
    polyglot = target.getvalue() + b"<script>alert(1)</script>"
    kept = upload(call, case, polyglot)
    assert kept.status_code == 201
    content = bytes(OutgoingPicture.objects.get(pk=kept.told["id"]).content)
    assert b"secret place" not in content
    assert b"script" not in content


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"GIF89a....", "picture_type"), (b"<svg></svg>", "picture_type"), (b"\x89PNG\r\n\x1a\nbroken", "picture_broken")],
)
def test_what_is_no_picture_is_refused(call, case, content, code):
    refused = upload(call, case, content)
    assert (refused.status_code, refused.told["code"]) == (422, code)


def upload(call, case, content):
    data = {"file": SimpleUploadedFile("x.jpg", content, "image/jpeg")}
    return call("post", f"/complaints/{case.complaint_id}/pictures", data=data)
