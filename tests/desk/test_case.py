"""One case: what is shown, what is covered, and claiming it."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from kesu.accounts.actor import Actor, Via
from kesu.audit.actions import Action
from kesu.audit.services import record
from kesu.commands import verbs, wording
from kesu.commands.errors import Refused
from kesu.commands.verbs import Consent
from kesu.complaints.models import Complaint, TimelineEntry
from tests.desk_seeds import make_complaint, make_user, picture_of, say


def page_of(desk, case) -> str:
    answer = desk.get(f"/cases/{case.pk}")
    assert answer.status_code == 200
    return answer.content.decode()


def deadlines(page: str) -> str:
    return page[page.index('id="case-deadlines"') : page.index('id="case-handler"')]


def moments(page: str) -> list[tuple[str, str]]:
    """(side, text without tags) of each entry, in order."""
    found = re.findall(r'<li class="moment moment-(\w+)">(.*?)</li>', page, re.S)
    return [(side, " ".join(re.sub(r"<[^>]+>", " ", body).split())) for side, body in found]


def test_the_history_reads_as_a_conversation(desk, day):
    told = moments(page_of(desk, day["case"]))
    assert [side for side, _ in told] == [
        "left", "middle", "right", "left", "right", "left", "middle", "left", "middle",
    ]  # fmt: skip
    assert told[0][1].startswith("付款人 发起投诉")
    assert "催办" in told[6][1]
    assert "商家一直不处理" in told[7][1]


def test_an_entry_of_an_unknown_kind_is_shown_as_it_came(desk, day):
    assert "<code>SOMETHING_PUBLISHED_LATER</code>" in page_of(desk, day["case"])


def test_each_round_stands_by_itself(desk, day):
    page = page_of(desk, day["case"])
    assert page.index("反馈处理完成") < page.index('id="round-2"') < page.index("继续投诉")


def test_a_case_without_history_shows_the_complaint_itself(desk, day):
    assert moments(page_of(desk, day["overdue"]))[0][1].endswith("会员没到账")


def test_both_deadlines_are_shown_until_the_reply_is_given(desk, day):
    page = deadlines(page_of(desk, day["case"]))
    assert page.count('class="countdown"') == 2
    replied = Complaint.objects.get(state="PROCESSING", in_platform_service=True)
    page = deadlines(page_of(desk, replied))
    assert page.count('class="countdown"') == 1
    assert "首次回复" in page
    assert "没有待办" in page_of(desk, Complaint.objects.get(state="PROCESSED"))


def test_a_phone_number_is_covered(desk, day):
    page = page_of(desk, day["case"])
    assert "****5678" in page
    assert "13800005678" not in page
    assert "1380000" not in page


def test_a_payers_other_complaints_are_found(desk, day):
    other = Complaint.objects.get(state="PROCESSED")
    assert f'href="/cases/{other.pk}"' in page_of(desk, day["case"])


def test_strangers_without_phone_are_not_taken_for_one_payer(desk, day):
    assert 'class="others"' not in page_of(desk, day["overdue"])


def test_hostile_words_stay_words(desk, day, now):
    hostile = "</p><script>alert(1)</script>"
    case = make_complaint(day["account"], 66, now=now, detail=hostile, problem_description=hostile, problem_type="<b>")
    case.orders.update(out_trade_no="<u>1</u>")
    say(
        case,
        "<s>NEW</s>",
        now,
        hostile,
        operator='"><script>alert(2)</script>',
        click_message={"message_content": hostile},
    )
    page = page_of(desk, case)
    assert "<script>alert" not in page
    assert "<s>" not in page
    assert "<u>1</u>" not in page


@pytest.mark.parametrize(
    "raw", ["", "[]", "null", '"text"', '{"normal_message": []}', '{"normal_message": {"blocks": [1, {}]}}']
)
def test_a_raw_entry_of_any_shape_breaks_nothing(desk, day, now, raw):
    entry = say(day["case"], "USER_RESPONSE", now, "words")
    TimelineEntry.objects.filter(log_id=entry).update(raw=raw)
    assert "words" in page_of(desk, day["case"])


def test_newer_kinds_of_messages_show_their_texts(desk, day, now):
    blocks = [{"type": "TEXT", "text": {"text": "您的包裹在途中"}}, {"type": "LINK", "link": {"text": "查看物流"}}]
    say(day["case"], "MERCHANT_RESPONSE", now, "", normal_message={"blocks": blocks})
    page = page_of(desk, day["case"])
    assert "您的包裹在途中" in page
    assert "查看物流" in page


def test_pictures_in_the_blocks_of_a_message_are_told(desk, day, now):
    blocks = [
        {"type": "TEXT", "text": {"text": "您看是这一件吗"}},
        *[{"type": "IMAGE", "image": {"media_id": f"m{n}"}} for n in range(2)],
    ]
    say(day["case"], "MERCHANT_RESPONSE", now, "您看是这一件吗", normal_message={"blocks": blocks})
    page = page_of(desk, day["case"])
    assert page.count("您看是这一件吗") == 1
    assert "2 张图片" in page


def test_pushes_about_the_case_are_listed(desk, day):
    page = page_of(desk, day["case"])
    assert "再次投诉" in page
    assert "剩 4小时" in page


def test_a_case_that_is_not_there_is_not_found(desk):
    assert desk.get("/cases/999999").status_code == 404
    assert desk.get("/cases/999999/live").status_code == 404
    assert desk.post("/cases/999999/claim", {"do": "claim"}).status_code == 404


def test_claiming_and_releasing(desk, day):
    case = day["overdue"]
    answer = desk.post(f"/cases/{case.pk}/claim", {"do": "claim"})
    assert answer.headers["Location"] == f"/cases/{case.pk}"
    case.refresh_from_db()
    assert case.claimed_by == day["user"]
    assert "释放" in page_of(desk, case)
    desk.post(f"/cases/{case.pk}/claim", {"do": "release"})
    case.refresh_from_db()
    assert case.claimed_by is None


def test_whoever_is_slower_learns_who_was_faster(desk, day):
    case = Complaint.objects.get(claimed_by=day["other_user"])
    answer = desk.post(f"/cases/{case.pk}/claim", {"do": "claim"}, follow=True)
    assert "小李 已先一步认领" in answer.content.decode()
    case.refresh_from_db()
    assert case.claimed_by == day["other_user"]


def test_claiming_from_the_list_answers_with_the_row(desk, day):
    case = day["overdue"]
    answer = desk.post(f"/cases/{case.pk}/claim", {"do": "claim", "part": "row"}, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert f'id="case-{case.pk}"' in answer.content.decode()
    assert "小王" in answer.content.decode()
    assert "<html" not in answer.content.decode()


def test_after_claiming_one_comes_back_to_the_list_and_never_elsewhere(desk, day):
    url = f"/cases/{day['overdue'].pk}/claim"
    assert desk.post(url, {"do": "claim", "next": "/"}).headers["Location"] == "/"
    answer = desk.post(url, {"do": "claim", "next": "https://evil.example/"})
    assert answer.headers["Location"] == f"/cases/{day['overdue'].pk}"


def test_claiming_needs_a_press(desk, day):
    assert desk.get(f"/cases/{day['overdue'].pk}/claim").status_code == 302
    day["overdue"].refresh_from_db()
    assert day["overdue"].claimed_by is None


def stamp_of(page: str) -> str:
    return re.search(r"\?stamp=([0-9a-f]+)", page)[1]


def test_an_open_case_is_sent_anew_only_when_it_changed(desk, day, now):
    case = day["case"]
    stamp = stamp_of(page_of(desk, case))
    assert 'id="case-talk"' not in desk.get(f"/cases/{case.pk}/live?stamp={stamp}").content.decode()
    say(case, "MERCHANT_RESPONSE", now, "今天给您办理退款")
    answer = desk.get(f"/cases/{case.pk}/live?stamp={stamp}").content.decode()
    assert "今天给您办理退款" in answer
    assert 'hx-swap-oob="true"' in answer
    assert stamp_of(answer) != stamp


def test_a_picture_that_arrives_changes_the_stamp(desk, day, now):
    stamp = stamp_of(page_of(desk, day["case"]))
    day["case"].media.filter(state="waiting").update(state="lost")
    assert stamp_of(page_of(desk, day["case"])) != stamp


def test_pictures_come_from_here_and_never_from_the_platform(desk, day, now):
    page = page_of(desk, day["case"])
    assert "api.mch.weixin.qq.com" not in page
    assert len(re.findall(r'<img src="/media/\d+"', page)) == 2
    assert "图片获取中" in page
    assert "图片已失效" in page


def test_the_complaints_own_picture_is_shown_once(desk, day, now):
    case = day["case"]
    picture_of(case, "", now=now)  # the same bytes as the opening entry's
    assert len(re.findall(r'<img src="/media/\d+"', page_of(desk, case))) == 2


def trail_of(page: str) -> list[str]:
    """Each step of the audit trail as it reads."""
    found = re.search(r'<ul class="trail">(.*?)</ul>', page, re.S)
    steps = re.findall(r"<li>(.*?)</li>", found[1], re.S) if found else []
    return [" ".join(re.sub(r"<[^>]+>", " ", step).split()) for step in steps]


def test_everybody_who_sees_a_case_sees_who_did_what_about_it(desk, day, now):
    case, owner = day["case"], Actor(day["user"], Via.PAGE, "203.0.113.9")
    with pytest.raises(Refused) as refused:
        verbs.reply(owner, case, "您好, 已为您核实, 今天补发。", now=now)
    accepted = Consent(tuple(concern.code for concern in refused.value.standing))
    command = verbs.reply(owner, case, "您好, 已为您核实, 今天补发。", consent=accepted, now=now)
    verbs.assign(owner, case, day["other_user"], now=now)
    viewer = Client()
    viewer.force_login(make_user("looker", role="viewer"))
    told = trail_of(page_of(viewer, case))
    assert "指派" in told[0]
    assert "给 li" in told[0]
    assert "小王" in told[0]
    assert wording.outcome(command) in told[-1]
    assert not any("203.0.113.9" in step for step in told)
    assert "203.0.113.9" in trail_of(page_of(desk, case))[0]


def test_the_trail_of_a_case_goes_on_on_a_page_of_its_own(desk, day, now):
    case, owner = day["case"], Actor(day["user"], Via.PAGE)
    for _ in range(30):
        record(owner, Action.NOTED, verbs.subject(case), now=now)
    page = page_of(desk, case)
    assert len(trail_of(page)) == 20
    older = re.search(rf'href="(/cases/{case.pk}/audit\?before=\d+)"', page)
    assert older is not None
    assert len(trail_of(desk.get(older[1]).content.decode())) == 10
    assert len(trail_of(desk.get(f"/cases/{case.pk}/audit").content.decode())) == 30
    assert desk.get(f"/cases/{case.pk}/audit?before=nonsense").status_code == 200
