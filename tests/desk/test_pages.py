"""What holds for every page: who may see it, what it is protected by, which language it speaks, what it costs."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver, reverse

from kesu.commands.models import QuickReply
from tests.desk_seeds import attempt, make_complaint, push, say
from tests.translations import ROOT

ARGUMENTS = {"pk": 1, "token": "nonsense", "kind": "wecom_robot", "name": "default"}
ARGUMENTS |= {"request_pk": 1, "refund_pk": 1, "command_pk": 1}
WITHOUT_SIGNING_IN = {"sign_in", "choose_language", "choose_theme"}
CHINESE = re.compile(r"[\u3400-\u9fff]")


def desk_urls() -> list[tuple[str, str]]:
    """Every named address of the desk, with arguments filled in."""
    _prefix, resolver = get_resolver().namespace_dict["desk"]
    names = {key for key in resolver.reverse_dict if isinstance(key, str)}
    found = []
    for name in sorted(names):
        parameters = resolver.reverse_dict.getlist(name)[0][0][0][1]
        found.append((name, reverse(f"desk:{name}", kwargs={key: ARGUMENTS[key] for key in parameters})))
    return found


@pytest.mark.parametrize(("name", "url"), desk_urls())
def test_a_stranger_is_asked_to_sign_in(db, name, url):
    answers = [Client().get(url), Client().post(url)]
    for answer in answers:
        if name in WITHOUT_SIGNING_IN:
            assert not answer.headers.get("Location", "").startswith("/sign-in?")
        else:
            assert answer.status_code == 302
            assert answer.headers["Location"] == f"/sign-in?next={url}"


def test_the_list_of_addresses_is_not_empty():
    assert len(desk_urls()) > 10


def test_a_refreshing_part_sends_the_whole_page_to_sign_in(db):
    answer = Client().get("/live", headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/?view=all"})
    assert answer.headers["HX-Redirect"] == "/sign-in?next=/%3Fview%3Dall"
    assert answer.content == b""


def test_someone_who_left_sees_nothing(desk, day):
    day["user"].is_active = False
    day["user"].save()
    assert desk.get("/").status_code == 302


def test_signing_in_leads_to_the_page_that_was_asked_for(db, day):
    client = Client()
    wrong = client.post("/sign-in", {"username": "wang", "password": "wrong", "next": "/system"})
    assert "用户名或密码不正确" in wrong.content.decode()
    right = client.post("/sign-in", {"username": "wang", "password": "a-long-password-1", "next": "/system"})
    assert right.headers["Location"] == "/system"


def test_signing_in_never_leads_elsewhere(db, day):
    answer = Client().post(
        "/sign-in", {"username": "wang", "password": "a-long-password-1", "next": "https://evil.example/"}
    )
    assert answer.headers["Location"] == "/"


def test_signing_out_needs_a_press(desk):
    assert desk.get("/sign-out").status_code == 405
    assert desk.post("/sign-out").headers["Location"] == "/sign-in"
    assert desk.get("/").status_code == 302


@pytest.mark.parametrize("url", ["/", "/deliveries", "/system", "/sign-in", "/nowhere"])
def test_every_page_has_a_strict_content_policy(desk, url):
    policy = desk.get(url).headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_no_template_has_inline_script_or_style():
    for path in (ROOT / "src/kesu/desk/templates").rglob("*.html"):
        text = path.read_text()
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|\|safe|autoescape off", text), path
        assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text)), path


@pytest.mark.parametrize("url", ["/", "/live", "/deliveries", "/system"])
def test_pages_with_payers_words_are_not_kept_by_caches(desk, url):
    assert desk.get(url).headers["Cache-Control"] == "no-store"


def test_pages_speak_chinese_until_a_person_chooses(desk):
    page = desk.get("/", headers={"Accept-Language": "en"})
    assert 'lang="zh-hans"' in page.content.decode()
    desk.post("/language", {"language": "en", "next": "/"})
    assert "To do" in desk.get("/").content.decode()


def test_the_language_can_be_chosen_before_signing_in(db):
    client = Client()
    client.post("/language", {"language": "en", "next": "/sign-in"})
    assert "Sign in to the complaint desk" in client.get("/sign-in").content.decode()


def test_an_unknown_language_is_not_believed(desk):
    desk.cookies["django_language"] = "xx"
    assert 'lang="zh-hans"' in desk.get("/").content.decode()


@pytest.mark.parametrize("url", ["/", "/deliveries", "/system", "/sign-in", "/nowhere", "/open/nonsense"])
def test_english_pages_hold_no_chinese_of_ours(empty_desk, url):
    empty_desk.cookies["django_language"] = "en"
    text = empty_desk.get(url).content.decode()
    ours = (
        re.sub(r'<button[^>]*lang="zh-hans"[^>]*>中文</button>', "", text)
        .replace("小王", "")
        .replace("小李", "")
        .replace("小", "")
    )
    assert not CHINESE.search(ours)


def test_an_english_case_holds_no_chinese_of_ours(english, day, now):
    case = make_complaint(day["account"], 77, now=now, detail="plain", problem_description="plain", times=2)
    case.account.name = "Books"
    case.account.save()
    QuickReply.objects.all().delete()  # words to payers, who read Chinese
    say(case, "USER_CREATE_COMPLAINT", case.complaint_time, "words")
    say(case, "A_NEW_WORD", now, "words")
    text = english.get(f"/cases/{case.pk}").content.decode()
    ours = (
        re.sub(r'<button[^>]*lang="zh-hans"[^>]*>中文</button>', "", text)
        .replace("小王", "")
        .replace("小李", "")
        .replace("小", "")
    )
    assert not CHINESE.search(ours)


def test_the_theme_is_kept_and_an_unknown_one_is_not(desk):
    desk.post("/theme", {"theme": "dark", "next": "/system"})
    assert 'data-bs-theme="dark"' in desk.get("/").content.decode()
    desk.post("/theme", {"theme": '"><b>'})
    assert 'data-bs-theme="dark"' in desk.get("/").content.decode()


@pytest.mark.parametrize("url", ["/theme", "/language"])
def test_choices_never_lead_elsewhere(desk, url):
    answer = desk.post(url, {"theme": "dark", "language": "en", "next": "https://evil.example/"})
    assert "evil" not in answer.headers["Location"]


@pytest.mark.parametrize(
    ("url", "most"),
    [
        ("/", 12),
        ("/?view=all", 12),
        ("/?only=mine", 12),
        ("/?view=all&q=退款&mark=again", 12),
        ("/deliveries", 6),  # one of them counts what waits for a decision
        ("/system", 20),
    ],
)
def test_the_number_of_queries_does_not_grow_with_the_rows(desk, day, now, url, most):
    with CaptureQueriesContext(connection) as few:
        desk.get(url)
    for number in range(100, 130):
        case = make_complaint(day["account"], number, now=now, claimed_by=day["other_user"])
        attempt(push(day["channel"], case, "new", now), now)
    with CaptureQueriesContext(connection) as many:
        desk.get(url)
    assert len(many) == len(few) <= most, "\n".join(query["sql"][:200] for query in many)


def test_the_number_of_queries_of_a_case_does_not_grow_with_its_history(desk, day, now):
    url = f"/cases/{day['case'].pk}"
    desk.get(url)  # the first time its order is asked for
    with CaptureQueriesContext(connection) as few:
        desk.get(url)
    for number in range(60):
        say(day["case"], "USER_RESPONSE", now, f"message {number}")
        attempt(push(day["channel"], day["case"], "user_message", now), now)
    with CaptureQueriesContext(connection) as many:
        desk.get(url)
    assert len(many) == len(few) <= 34


def test_a_missing_page_is_in_the_house_style(desk):
    answer = desk.get("/nowhere")
    assert answer.status_code == 404
    assert "这里没有内容" in answer.content.decode()


def test_an_error_page_needs_neither_database_nor_session():
    from django.template.loader import render_to_string

    assert "这里出了点问题" in render_to_string("500.html")
    assert "没有权限" in render_to_string("403.html")


def test_a_page_that_was_too_old_says_so(day):
    client = Client(enforce_csrf_checks=True)
    client.force_login(day["user"])
    answer = client.post("/theme", {"theme": "dark"})
    assert answer.status_code == 403
    assert "页面已过期" in answer.content.decode()


def test_a_demo_says_that_its_clock_is_not_the_worlds(desk, tmp_path, settings):
    import json

    from kesu import clock

    file = tmp_path / "clock.json"
    file.write_text(json.dumps({"real": 1_760_000_000, "virtual": 1_760_000_000, "speed": 60}))
    clock.link(tmp_path, file)
    clock.follow(tmp_path)
    try:
        page = desk.get("/").content.decode()
    finally:
        clock.follow(settings.KESU_DATA)
    assert "演示时钟" in page
    assert 'data-speed="60.000000"' in page
    assert "演示时钟" not in desk.get("/").content.decode()
