"""Keys change as at the platform: the APIv3 key, a merchant's certificate, the platform's certificate, its mode."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kesu.sandbox import Identity
from kesu.sandbox.identity import KeyPair
from kesu.wechatpay.ciphers import CipherError, decrypt_resource, decrypt_sensitive
from kesu.wechatpay.notice import open_envelope
from kesu.wechatpay.rejections import NotDecryptable

pytestmark = pytest.mark.anyio
LIST = "/v3/merchant-service/complaints-v2?begin_date=2026-03-01&end_date=2026-03-02"


@pytest.fixture
def story(tell: Any, identity: Identity, tmp_path: Path) -> Any:
    """With keys of its own: these tests change them."""
    identity.save(tmp_path)
    return tell(identity=Identity.load(tmp_path / "identity.json"))


async def rotate(story: Any, **order: Any) -> dict[str, Any]:
    answer = await story.control("POST", "/keys", order)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_notices_made_before_a_new_apiv3_key_keep_their_seal(story: Any) -> None:
    await story.hook()
    old = story.merchant.account.apiv3_key
    story.receiver.status = 500
    await story.complain()
    await story.pass_time(seconds=1)
    new = (await rotate(story, rotate="apiv3_key", mchid=story.shop))["apiv3_key"]
    story.receiver.status = 204
    await story.complain()
    await story.pass_time(minutes=1)
    before, *after = [request.content for request in story.receiver.requests]
    (made_after,) = set(after) - {before}
    assert before in after
    for body, opens, not_opens in ((before, old, new), (made_after, new, old)):
        assert open_envelope(body, apiv3_keys=[opens]).action_type == "CREATE_COMPLAINT"
        with pytest.raises(NotDecryptable):
            open_envelope(body, apiv3_keys=[not_opens])


async def test_an_old_merchant_certificate_signs_until_it_is_revoked(story: Any, refused: Any) -> None:
    old = story.merchant.account.keys.serial_no
    await rotate(story, rotate="merchant_certificate", mchid=story.shop)
    account = story.merchant.account
    assert (account.keys.serial_no != old, account.older_keys[0].serial_no) == (True, old)
    assert (await story.merchant.get(LIST)).status_code == 200
    story.merchant.account.keys, account.older_keys[0] = account.older_keys[0], account.keys
    assert (await story.merchant.get(LIST)).status_code == 200
    await rotate(story, rotate="merchant_certificate", mchid=story.shop, revoke_old=True)
    refused(await story.merchant.send("GET", LIST, serial_no=old), 401, "SIGN_ERROR")


async def test_phones_are_sealed_to_the_new_certificate_or_on_request_still_to_the_old(story: Any) -> None:
    complaint_id = await story.complain(phone="13800138000")
    old = story.merchant.account.keys.private_key
    new = KeyPair(**await rotate(story, rotate="merchant_certificate", mchid=story.shop)).private_key
    sealed = (await story.merchant.detail(complaint_id))["payer_phone"]
    assert decrypt_sensitive([new], sealed) == "13800138000"
    with pytest.raises(CipherError):
        decrypt_sensitive([old], sealed)
    await rotate(story, rotate="merchant_certificate", mchid=story.shop, seal_to="old")
    assert decrypt_sensitive([new], (await story.merchant.detail(complaint_id))["payer_phone"]) == "13800138000"


async def test_a_platform_certificate_is_announced_then_used_beside_the_old_then_alone(story: Any) -> None:
    await rotate(story, rotate="signing", to="certificate")
    old = story.sandbox.identity.platform.serial_no
    listed = (await rotate(story, rotate="platform_certificate", step="announce"))["certificates"]
    new = listed[-1]["serial_no"]
    assert [row["state"] for row in listed] == ["in_use", "announced"]
    assert await downloaded(story) == [old, new]
    assert await signers(story) == {old}
    await rotate(story, rotate="platform_certificate", step="use")
    assert await signers(story) == {old, new}
    await rotate(story, rotate="platform_certificate", step="retire")
    assert await signers(story) == {new}
    assert await downloaded(story) == [new]


async def test_a_certificate_that_is_only_announced_cannot_replace_the_old_one(story: Any) -> None:
    await rotate(story, rotate="platform_certificate", step="announce")
    assert (
        await story.control("POST", "/keys", {"rotate": "platform_certificate", "step": "retire"})
    ).status_code == 409


async def test_in_the_grey_phase_both_sign(story: Any) -> None:
    identity = story.sandbox.identity
    await rotate(story, rotate="signing", to="grey")
    assert await signers(story) == {identity.platform.serial_no, identity.public_key_id}


async def test_changed_keys_survive_a_restart(story: Any, tmp_path: Path) -> None:
    story.sandbox.directory = tmp_path
    await rotate(story, rotate="merchant_certificate", mchid=story.shop)
    await rotate(story, rotate="platform_certificate", step="announce")
    assert Identity.load(tmp_path / "identity.json") == story.sandbox.identity


@pytest.mark.parametrize(
    ("order", "says"),
    [
        ({"rotate": "moon"}, "rotate must be one of"),
        ({"rotate": "apiv3_key", "mchid": "1"}, "mchid must be a number that signs"),
        ({"rotate": "apiv3_key", "mchid": "1900010001", "apiv3_key": "short"}, "32 bytes"),
        ({"rotate": "platform_certificate"}, "step is missing"),
        ({"rotate": "signing", "to": "grey", "mchid": "1900010001"}, "unknown: mchid"),
    ],
)
async def test_a_bad_order_is_refused(story: Any, order: dict[str, str], says: str) -> None:
    answer = await story.control("POST", "/keys", order)
    assert (answer.status_code, says in answer.json()["error"]) == (400, True)


async def test_the_state_of_the_keys_shows_no_key(story: Any) -> None:
    await rotate(story, rotate="merchant_certificate", mchid=story.shop)
    shown = await story.control("GET", "/keys")
    assert "PRIVATE" not in shown.text
    assert story.merchant.account.keys.serial_no in shown.text


async def signers(story: Any) -> set[str]:
    answers = [await story.merchant.get(LIST) for _ in range(12)]
    assert all(answer.status_code == 200 for answer in answers)
    known = story.sandbox.identity
    assert all(known.signing_key(answer.headers["wechatpay-serial"]) for answer in answers)
    return {answer.headers["wechatpay-serial"] for answer in answers}


async def downloaded(story: Any) -> list[str]:
    rows = (await story.merchant.get("/v3/certificates")).json()["data"]
    for row in rows:
        sealed = row["encrypt_certificate"]
        assert b"BEGIN CERTIFICATE" in decrypt_resource(
            story.merchant.account.apiv3_key,
            sealed["ciphertext"],
            nonce=sealed["nonce"],
            associated_data=sealed["associated_data"],
        )
    return [row["serial_no"] for row in rows]
