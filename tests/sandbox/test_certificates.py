"""Platform certificates for old accounts, the public key for new ones."""

import pytest

from kesu.wechatpay.ciphers import decrypt_resource

pytestmark = pytest.mark.anyio
LIST = "/v3/merchant-service/complaints-v2?begin_date=2026-03-01&end_date=2026-03-02"


async def test_the_certificate_comes_sealed_with_the_apiv3_key(story):
    answer = await story.merchant.get("/v3/certificates")
    (item,) = answer.json()["data"]
    sealed = item["encrypt_certificate"]
    pem = decrypt_resource(
        story.merchant.account.apiv3_key,
        sealed["ciphertext"],
        nonce=sealed["nonce"],
        associated_data=sealed["associated_data"],
    )
    assert pem.decode() == story.sandbox.identity.platform.certificate_pem
    assert item["serial_no"] == story.sandbox.identity.platform.serial_no


async def test_who_downloads_certificates_is_answered_with_them(story):
    serials = story.sandbox.identity
    assert (await story.merchant.get(LIST)).headers["wechatpay-serial"] == serials.public_key_id
    await story.merchant.get("/v3/certificates")
    answer = await story.merchant.get(LIST)
    assert answer.headers["wechatpay-serial"] == serials.platform.serial_no
    assert story.is_signed(answer)
    await story.merchant.send("GET", LIST, headers={"Wechatpay-Serial": serials.public_key_id})
    assert (await story.merchant.get(LIST)).headers["wechatpay-serial"] == serials.public_key_id
    assert (await story.partner.get(LIST)).headers["wechatpay-serial"] == serials.public_key_id


async def test_who_names_the_public_key_stays_with_it(story):
    named = {"Wechatpay-Serial": story.sandbox.identity.public_key_id}
    await story.merchant.send("GET", "/v3/certificates", headers=named)
    assert (await story.merchant.get(LIST)).headers["wechatpay-serial"].startswith("PUB_KEY_ID_")


async def test_a_new_account_has_no_certificates(tell, refused):
    story = tell(signing="public_key")
    refused(await story.merchant.get("/v3/certificates"), 404, "RESOURCE_NOT_EXISTS", says="无可用的平台证书")
