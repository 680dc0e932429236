"""One callback address an account; HTTPS, without parameters."""

import pytest

pytestmark = pytest.mark.anyio
PATH = "/v3/merchant-service/complaint-notifications"
URL = "https://desk.example.test/notify/wechatpay/abc"


async def test_it_is_created_read_updated_and_deleted(story, refused):
    refused(await story.merchant.get(PATH), 400, "RESOURCE_NOT_EXISTS")
    created = await story.merchant.post(PATH, {"url": URL})
    assert (created.status_code, created.json()) == (200, {"mchid": story.shop, "url": URL})
    assert (await story.merchant.get(PATH)).json()["url"] == URL
    assert (await story.merchant.put(PATH, {"url": URL + "2"})).json()["url"] == URL + "2"
    assert (await story.state())["notify_urls"] == {story.shop: URL + "2"}
    assert (await story.merchant.delete(PATH)).status_code == 204
    refused(await story.merchant.get(PATH), 400, "RESOURCE_NOT_EXISTS")


async def test_creating_twice_is_an_error(story, refused):
    await story.merchant.post(PATH, {"url": URL})
    refused(await story.merchant.post(PATH, {"url": URL}), 400, "INVALID_REQUEST", 268435484)


async def test_updating_or_deleting_nothing_is_an_error(story, refused):
    refused(await story.merchant.put(PATH, {"url": URL}), 400, "RESOURCE_NOT_EXISTS")
    refused(await story.merchant.delete(PATH), 400, "RESOURCE_NOT_EXISTS")


async def test_each_account_has_its_own(story):
    await story.merchant.post(PATH, {"url": URL})
    assert (await story.partner.post(PATH, {"url": URL})).json()["mchid"] == story.partner.account.mchid


@pytest.mark.parametrize(
    "url",
    [
        "http://desk.example.test/notify",
        "https://desk.example.test/notify?a=1",
        "https://desk.example.test/notify?",
        "https://客服.example.test/notify",
        "ftp://desk.example.test/notify",
        "desk.example.test/notify",
        "https://",
        "https://[::1/notify",
        "",
        "https://desk.example.test/" + "x" * 240,
        5,
    ],
)
async def test_a_bad_address_is_a_parameter_error(story, refused, url):
    refused(await story.merchant.post(PATH, {"url": url}), 400, "PARAM_ERROR")


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/n", "http://localhost/n", "http://[::1]:8000/n"])
async def test_loopback_may_use_http_unless_switched_off(story, tell, refused, url):
    assert (await story.merchant.post(PATH, {"url": url})).status_code == 200
    strict = tell(https_only=True)
    refused(await strict.merchant.post(PATH, {"url": url}), 400, "PARAM_ERROR", says="https")
