"""What every request must bring along, and how every answer is signed."""

import pytest

pytestmark = pytest.mark.anyio
DAYS = "begin_date=2026-03-01&end_date=2026-03-02"
LIST = f"/v3/merchant-service/complaints-v2?{DAYS}"


async def test_a_well_signed_request_is_answered_with_a_signature(story):
    answer = await story.merchant.get(LIST)
    assert answer.status_code == 200
    assert story.is_signed(answer)
    assert answer.headers["wechatpay-signature-type"] == "WECHATPAY2-SHA256-RSA2048"
    assert answer.headers["wechatpay-timestamp"] == str(int(story.sandbox.clock.now().timestamp()))
    assert answer.headers["request-id"].endswith("-0")


@pytest.mark.parametrize("name", ["Accept", "User-Agent"])
async def test_a_missing_header_is_an_invalid_request(story, refused, name):
    refused(await story.merchant.send("GET", LIST, headers={name: None}), 400, "INVALID_REQUEST", says="头部信息不完整")


@pytest.mark.parametrize("header", ["", "Bearer x", 'WECHATPAY2-SHA256-RSA2048 mchid="1"', "\x7f"])
async def test_an_unreadable_authorization_is_a_sign_error(story, refused, header):
    answer = await story.merchant.send("GET", LIST, headers={"Authorization": header})
    refused(answer, 401, "SIGN_ERROR", 268443699)


async def test_the_signature_covers_the_body(story, refused):
    body = b'{"url":"https://desk.test/n"}'
    path = "/v3/merchant-service/complaint-notifications"
    refused(await story.merchant.send("POST", path, body, signed=body + b" "), 401, "SIGN_ERROR")


async def test_the_signature_covers_the_query(story, refused):
    refused(await story.merchant.send("GET", LIST, signed_path=LIST.split("?")[0]), 401, "SIGN_ERROR")


async def test_an_unknown_merchant_is_a_sign_error(story, refused):
    refused(await story.merchant.send("GET", LIST, mchid="1999999999"), 401, "SIGN_ERROR")


async def test_a_sub_merchant_cannot_sign(story, refused):
    refused(await story.partner.send("GET", LIST, mchid=story.subs[0]), 401, "SIGN_ERROR")


async def test_a_wrong_certificate_serial_is_a_sign_error(story, refused):
    refused(await story.merchant.send("GET", LIST, serial_no="5E" * 20), 401, "SIGN_ERROR")


async def test_another_merchants_key_is_a_sign_error(story, refused):
    theirs = story.partner.account
    answer = await story.merchant.send("GET", LIST, mchid=theirs.mchid, serial_no=theirs.keys.serial_no)
    refused(answer, 401, "SIGN_ERROR")


@pytest.mark.parametrize(("late", "status"), [(300, 200), (301, 401), (-300, 200), (-301, 401)])
async def test_five_minutes_are_tolerated_of_the_virtual_clock(story, late, status):
    assert (await story.merchant.send("GET", LIST, late=late)).status_code == status


async def test_an_answer_without_content_is_signed_too(story):
    complaint = await story.complain()
    answer = await story.merchant.reply(complaint)
    assert (answer.status_code, answer.content) == (204, b"")
    assert story.is_signed(answer)


async def test_a_refusal_is_signed_too(story):
    answer = await story.merchant.get("/v3/merchant-service/complaints-v2/1")
    assert answer.status_code == 404
    assert story.is_signed(answer)


@pytest.mark.parametrize(("named", "is_certificate"), [("certificate", True), ("public_key", False), (None, False)])
async def test_the_request_chooses_the_key_of_the_answer(story, named, is_certificate):
    platform = story.sandbox.description()["wechatpay"]
    serials = {"certificate": platform["certificate_serial"], "public_key": platform["public_key_id"]}
    answer = await story.merchant.send("GET", LIST, headers={"Wechatpay-Serial": serials.get(named)})
    assert answer.headers["wechatpay-serial"] == serials["certificate" if is_certificate else "public_key"]
    assert story.is_signed(answer)


async def test_an_old_account_is_answered_with_the_certificate(tell):
    story = tell(signing="certificate")
    answer = await story.merchant.get(LIST)
    assert answer.headers["wechatpay-serial"] == story.sandbox.identity.platform.serial_no
    assert story.is_signed(answer)


async def test_an_unknown_path_answers_in_json(story):
    answer = await story.merchant.get("/v3/nothing/here")
    assert (answer.status_code, answer.json()["code"]) == (404, "RESOURCE_NOT_EXISTS")


async def test_a_body_that_is_not_json_is_a_parameter_error(story, refused):
    path = "/v3/merchant-service/complaint-notifications"
    for body in (b"{", b"[]", b"\xff", b"[" * 100_000):
        refused(await story.merchant.send("POST", path, body), 400, "PARAM_ERROR")


async def test_a_field_that_no_page_mentions_is_refused_with_its_own_number(story, refused):
    complaint = await story.complain()
    answer = await story.merchant.reply(complaint, please=True)
    refused(answer, 400, "PARAM_ERROR", 270924358, says="please")
