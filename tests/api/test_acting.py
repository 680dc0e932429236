"""The API does what the pages do, as the person whose token it is, and says why when it does not."""

from __future__ import annotations

import io
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from kesu.audit.models import AuditEntry
from kesu.commands.models import Command, OutgoingPicture, Refund
from kesu.commands.pictures import LARGEST_FILE
from kesu.complaints.models import Complaint
from tests.desk_seeds import make_complaint, say

WORDS = "您好, 经核实是仓库漏发了这件商品, 我们可以今天补发或者全额退款, 请问您希望怎样处理?"


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


def test_an_immediate_reply_has_the_platforms_shape_and_a_link_its_own(call, case):
    urgent = Complaint.objects.get(need_immediate_service=True)
    read(call, urgent)
    address = f"/complaints/{urgent.complaint_id}/immediate-reply"
    says = {"action_type": "ACTION_TYPE_SEND_MESSAGE", "message_info": {"content": "请补发"}}
    button = {"type": "BUTTON", "button": {"text": "补发", "action": says}}
    text = {"type": "TEXT", "text": {"text": WORDS}}
    for wrong in ([], [{"type": "TEXT"}], [button | {"more": 1}], [{"type": "BUTTON", "button": {"text": "补发"}}]):
        assert call("post", address, {"blocks": wrong}).status_code == 422
    body = {"blocks": [text, button], "sender_identity": "MACHINE"}
    stopped = call("post", address, body)
    codes = [one["code"] for one in stopped.told.get("concerns", []) if one["level"] == "confirm"]
    done = call("post", address, body | {"acknowledged": codes})
    assert done.status_code == 202, done.told
    payload = json.loads(Command.objects.get().payload)
    assert payload["sender_identity"] == "MACHINE"
    assert payload["blocks"][1]["button"]["action"] == says


def test_a_link_is_refused_where_the_account_may_send_none(call, case):
    read(call, case)
    jump = {"url": "https://shop.example/o", "text": "查看订单"}
    address = f"/complaints/{case.complaint_id}/reply"
    stopped = call("post", address, {"text": WORDS, "jump": jump})
    assert "links_not_allowed" in {one["code"] for one in stopped.told["concerns"]}
    assert call("post", address, {"text": WORDS, "jump": jump | {"url": "http://shop.example"}}).status_code == 422
    assert call("post", address, {"text": WORDS, "jump": jump | {"text": "字" * 11}}).status_code == 422


def test_a_case_of_a_colleague_is_taken_over_by_accepting_that(call, token, case):
    Complaint.objects.filter(pk=case.pk).update(claimed_by=None, claimed_at=None)
    address = f"/complaints/{case.complaint_id}"
    assert call("post", f"{address}/claim", {}, secret=token("agent")).told["claimed_by"] == "api-agent"
    for verb, body in (("claim", {}), ("assign", {"username": "api-owner"})):
        stopped = call("post", f"{address}/{verb}", body)
        assert (stopped.status_code, stopped.told["code"]) == (409, "refused")
        assert [one["code"] for one in stopped.told["concerns"] if one["level"] == "confirm"] == ["claimed_by_other"]
    taken = call("post", f"{address}/claim", {"acknowledged": ["claimed_by_other"]})
    assert taken.told["claimed_by"] == "api-owner"


def test_an_agent_takes_no_case_from_a_colleague_whatever_they_accept(call, token, case):
    Complaint.objects.filter(pk=case.pk).update(claimed_by=None, claimed_at=None)
    address = f"/complaints/{case.complaint_id}/claim"
    call("post", address, {})
    stopped = call("post", address, {"acknowledged": ["claimed_by_other"]}, secret=token("agent"))
    assert (stopped.status_code, stopped.told["code"]) == (409, "claimed")


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


def png(color="green"):
    target = io.BytesIO()
    Image.new("RGB", (30, 20), color).save(target, "PNG")
    return target.getvalue()


@pytest.fixture
def ticket(day, now):
    """A refund request that was answered and not decided."""
    wanted = {"state": "PROCESSING", "problem_type": "REFUND", "apply_refund_amount": 1990}
    case = make_complaint(day["account"], 78, now=now, **wanted)
    say(case, "USER_CREATE_COMPLAINT", case.complaint_time, "不想要了", "投诉人")
    say(case, "MERCHANT_RESPONSE", now, "您好, 商品已发出, 签收后不支持退款", "云上书店")
    return case


def test_a_rejection_takes_up_to_four_pictures_that_were_uploaded(call, ticket):
    read(call, ticket)
    path, kept = f"/complaints/{ticket.complaint_id}/reject", upload(call, ticket, png()).told["id"]
    body = {"reason": "已签收, 不符合退款条件", "acknowledged": ["reject_closes", "reject_trusted", "message_unread"]}
    assert call("post", path, body | {"pictures": [kept] * 5}).status_code == 422
    unknown = call("post", path, body | {"pictures": [kept + 1]})
    assert (unknown.status_code, unknown.told["code"]) == (409, "picture_unknown")
    assert call("post", path, body | {"launch_refund_day": 1}).status_code == 422
    done = call("post", path, body | {"pictures": [kept]})
    assert done.status_code == 202, done.told
    assert json.loads(Command.objects.get().payload) == {"text": body["reason"], "pictures": [kept], "remark": ""}


def test_a_picture_beyond_ten_megabytes_is_refused(call, ticket):
    refused = upload(call, ticket, b"\xff\xd8" + b"\0" * LARGEST_FILE)
    assert (refused.status_code, refused.told["code"]) == (422, "picture_size")


def test_a_reason_is_bounded_by_its_bytes(call, ticket):
    read(call, ticket)
    path = f"/complaints/{ticket.complaint_id}/refund"
    long = call("post", path, {"reason": "好" * 27})
    assert (long.status_code, long.told["code"]) == (409, "refund_reason_too_long")
    assert call("post", path, {"reason": "x" * 80, "acknowledged": ["decide_first"]}).status_code == 202


ACCOUNT, NAME = "6222021234567890123", "欧阳测试"
CARD = {"type": "USER_BANK_CARD", "bank_type": "ICBC_DEBIT", "bank_account": ACCOUNT, "real_name": NAME}


@pytest.fixture
def stuck(call, case, now):
    """A refund that the payer's card did not take."""
    read(call, case)
    accepted = ["less_than_asked", "decide_first", "partial_refund"]
    made = call("post", f"/complaints/{case.complaint_id}/refund", {"amount": 100, "acknowledged": accepted})
    assert made.status_code == 202, made.told
    Command.objects.update(state="confirmed", settled_at=now, due_at=None, sent_at=now)
    Refund.objects.update(state="abnormal", refund_id="5030001")
    return Refund.objects.get()


def test_a_stuck_refund_is_sent_to_a_card_that_no_answer_tells(call, case, stuck):
    path = f"/complaints/{case.complaint_id}/resend-refund"
    asked = call("post", path, CARD)
    assert (asked.status_code, asked.told["code"]) == (409, "refused")
    done = call("post", path, CARD | {"acknowledged": ["resend_to_card"], "out_refund_no": stuck.out_refund_no})
    assert done.status_code == 202, done.told
    command = Command.objects.get(kind="resend_refund")
    assert json.loads(command.secret)["account"] == ACCOUNT
    everything = [asked.told, done.told, call("get", f"/commands/{command.pk}").told, read(call, case)]
    everything.append(call("get", f"/complaints/{case.complaint_id}/commands").told)
    everything.append(list(AuditEntry.objects.values_list("details", flat=True)))
    assert ACCOUNT not in str(everything)
    assert NAME not in str(everything)


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"bank_account": "12"}, 409, "card_account"),
        ({"bank_account": "x" + ACCOUNT}, 422, "invalid_input"),
        ({"bank_type": "MY_BANK"}, 409, "card_bank"),
        ({"real_name": ""}, 409, "card_name"),
        ({"type": "MERCHANT_BANK_CARD"}, 422, "card_not_wanted"),
        ({"out_refund_no": "R-of-nobody"}, 409, "refund_unknown"),
        ({"type": "ALIPAY"}, 422, "invalid_input"),
    ],
)
def test_what_is_no_card_is_refused_without_repeating_it(call, case, stuck, more, status, code):
    refused = call("post", f"/complaints/{case.complaint_id}/resend-refund", CARD | more)
    assert (refused.status_code, refused.told["code"]) == (status, code)
    assert ACCOUNT not in str(refused.told)
    assert NAME not in str(refused.told)
