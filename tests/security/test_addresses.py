"""Every place where the desk asks for an address that somebody gave it: nothing leads into a private network.

What a name means is changed where the operating system is asked; everything behind it is the desk's own.
"""

from __future__ import annotations

import asyncio
import ipaddress

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from kesu.accounts.wecom.application import Application, WecomError
from kesu.alerts.channels import KINDS
from kesu.alerts.channels.addresses import is_public
from kesu.alerts.channels.base import PayloadError, SendError, SettingsError
from kesu.merchants.entering import checked
from kesu.webhooks import endpoints
from kesu.webhooks.endpoints import EndpointError, Wanted
from kesu.webhooks.models import DeliveryAttempt
from kesu.webhooks.sending import Sender
from kesu.wechatpay import Client, MerchantCredentials, PlatformKeys, WeChatPayError
from kesu.worker.deadman import DeadMan
from tests.security.networks import NOW, PRIVATE, Names, names, outside, push, serving

__all__ = ["names"]

SECRET = "whsec_" + "a" * 44
SPELLINGS = [  # of private addresses, and of addresses that seem to be somebody else's
    "https://10.0.0.1/hook",
    "https://10.0.0.1:8443/hook",
    "https://[::ffff:169.254.169.254]/hook",
    "https://[fd00::1]/hook",
    "https://[::]/hook",
    "https://167772161/hook",  # 10.0.0.1 as one number
    "https://2130706433/hook",
    "https://0x0a000001/hook",
    "https://0xa.0.0.1/hook",
    "https://012.0.0.1/hook",
    "https://10.1/hook",
    "https://0/hook",
    "https://127.1/hook",
    "https://①⓪.⓪.⓪.①/hook",
    "https://１０.0.0.1/hook",
    "https://10。0。0。1/hook",
    "https://10.0.0.1./hook",
]
NO_ADDRESSES = [
    "https://example.com@10.0.0.1/hook",
    "https://example.com:443@10.0.0.1/hook",
    "https://@10.0.0.1/hook",
    "https://user:word@example.com/hook",
    "http://example.com/hook",
    "http://10.0.0.1/hook",
    "http://127.0.0.1.example.com/hook",
    "http://localhost.example.com/hook",
    "http://127.0.0.1@10.0.0.1/hook",
    "http://0.0.0.0/hook",
    "//10.0.0.1/hook",
    "ftp://10.0.0.1/hook",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_x",
    "unix:///run/x.sock",
    "https:///hook",
    "https://",
    "",
]


@pytest.mark.parametrize("number", PRIVATE)
def test_no_private_number_is_public_in_any_form(number: str) -> None:
    assert not is_public(ipaddress.ip_address(number))


@pytest.mark.parametrize(
    "number", ["1.1.1.1", "203.119.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "2002:808:808::"]
)
def test_public_numbers_stay_public(number: str) -> None:
    assert is_public(ipaddress.ip_address(number))


@pytest.mark.parametrize("url", SPELLINGS)
def test_a_channel_asks_for_no_private_address_however_it_is_spelt(url: str) -> None:
    seen: list[httpx2.Request] = []
    with pytest.raises((SettingsError, SendError)):
        push("webhook", {"url": url, "secret": SECRET}, outside(seen))
    assert seen == []


@pytest.mark.parametrize("number", PRIVATE)
def test_a_channel_asks_for_no_name_that_leads_inside(names: Names, number: str) -> None:
    names["hook.example"] = ["1.1.1.1", number]
    seen: list[httpx2.Request] = []
    with pytest.raises(PayloadError) as refused:
        push("webhook", {"url": "https://hook.example/x", "secret": SECRET}, outside(seen))
    assert refused.value.receipt.code == "private_address"
    assert seen == []


def test_the_number_that_was_checked_is_the_one_connected_to(names: Names) -> None:
    names["hook.example"] = ["1.1.1.1"]
    seen: list[httpx2.Request] = []
    push("webhook", {"url": "https://hook.example/x", "secret": SECRET}, outside(seen))
    [request] = seen
    assert (request.url.host, request.headers["host"]) == ("1.1.1.1", "hook.example")
    assert request.extensions["sni_hostname"] == "hook.example"


@pytest.mark.parametrize("url", NO_ADDRESSES)
def test_what_is_no_address_for_pushes_is_not_kept(url: str) -> None:
    with pytest.raises(SettingsError):
        KINDS["webhook"].parse({"url": url, "secret": SECRET})


@pytest.mark.parametrize("url", NO_ADDRESSES)
def test_nor_as_an_endpoint(db: None, url: str) -> None:
    with pytest.raises(EndpointError):
        endpoints.add(Wanted("程序", url, ["complaint.created"]), created_by=None, now=NOW)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("number", ["10.0.0.1", "169.254.169.254", "::ffff:192.168.0.1", "127.0.0.1"])
def test_an_endpoint_whose_name_leads_inside_is_delivered_nothing(names: Names, number: str) -> None:
    names["hook.example"] = ["1.1.1.1"]
    endpoint, _ = endpoints.add(
        Wanted("程序", "https://hook.example/x", ["complaint.created"]), created_by=None, now=NOW
    )
    endpoints.send_test(endpoint, now=NOW)
    names["hook.example"] = [number]  # after it was set up
    seen: list[httpx2.Request] = []
    asyncio.run(_deliver(outside(seen)))
    [attempt] = DeliveryAttempt.objects.all()
    assert (seen, attempt.outcome) == ([], "failed")
    assert attempt.response == ""


@pytest.mark.django_db(transaction=True)
def test_an_endpoint_that_leads_on_is_not_followed() -> None:
    wanted = Wanted("程序", "http://127.0.0.1/x", ["complaint.created"])
    endpoints.send_test(endpoints.add(wanted, created_by=None, now=NOW)[0], now=NOW)
    seen: list[httpx2.Request] = []
    answer = httpx2.Response(307, headers={"Location": "http://169.254.169.254/latest/"})
    asyncio.run(_deliver(outside(seen, answer)))
    assert [request.url.host for request in seen] == ["127.0.0.1"]


async def _deliver(transport: httpx2.AsyncBaseTransport) -> None:
    sender = Sender(lambda: NOW, transport=transport)
    try:
        await sender.send_due()
    finally:
        await sender.close()


WECOM = "qyapi.weixin.qq.com"
ROBOTS = {
    "wecom_robot": (WECOM, "/cgi-bin/webhook/send?key=693a91f6-7aaa-4bc4-97a0-0ec2cifa5aaa"),
    "dingtalk_robot": ("oapi.dingtalk.com", "/robot/send?access_token=" + "ab" * 32),
    "feishu_robot": ("open.feishu.cn", "/open-apis/bot/v2/hook/4d4a3b7c-7aaa-4bc4-97a0-0ec2cifa5aaa"),
}


@pytest.mark.parametrize("kind", ROBOTS)
@pytest.mark.parametrize(
    "place",
    [
        "http://{host}",
        "https://{host}:8443",
        "https://{host}.evil.example",
        "https://evil.example",
        "https://{host}@10.0.0.1",
        "https://10.0.0.1@{host}",
        "https://10.0.0.1\\@{host}",
        "https://10.0.0.1#@{host}",
        "https://10.0.0.1/{host}",
        "https://10.0.0.1",
        "http://localhost.evil.example",
        "http://2130706433",
        "//{host}",
        "ftp://{host}",
    ],
)
def test_a_robot_is_at_its_own_platform(kind: str, place: str) -> None:
    host, path = ROBOTS[kind]
    KINDS[kind].parse({"webhook_url": f"https://{host}{path}"})
    with pytest.raises(SettingsError):
        KINDS[kind].parse({"webhook_url": place.format(host=host) + path})


@pytest.mark.parametrize("kind", ROBOTS)
def test_a_robot_that_leads_on_is_not_followed(kind: str) -> None:
    host, path = ROBOTS[kind]
    seen: list[httpx2.Request] = []
    answer = httpx2.Response(302, headers={"Location": "http://10.0.0.1/"})
    with pytest.raises(SendError):
        push(kind, {"webhook_url": f"https://{host}{path}"}, outside(seen, answer))
    assert [request.url.host for request in seen] == [host]


@pytest.mark.parametrize("place", [f"https://{WECOM}@10.0.0.1", f"https://{WECOM}.evil.example", "http://10.0.0.1"])
def test_an_application_is_asked_for_at_wecom(place: str) -> None:
    whole = {"corpid": "ww1234567890abcdef", "agentid": 1000002, "secret": "s" * 40, "receivers": "@all"}
    KINDS["wecom_app"].parse(whole)
    with pytest.raises(SettingsError):
        KINDS["wecom_app"].parse({**whole, "api_url": place})


def test_sign_in_through_wecom_follows_nobody(db: None) -> None:
    with serving() as service, serving() as inside:
        service.leads_to = f"http://127.0.0.1:{inside.port}/"
        company = Application("ww1234567890abcdef", "1000002", "s" * 40, f"http://127.0.0.1:{service.port}")
        with pytest.raises(WecomError):
            company.userid_of("code")
        assert (service.came > 0, inside.came) == (True, 0)


def test_the_dead_mans_address_leads_nowhere_else() -> None:
    seen: list[httpx2.Request] = []
    answer = httpx2.Response(302, headers={"Location": "http://169.254.169.254/"})
    assert not asyncio.run(DeadMan("https://hc.example/ping", {}, transport=outside(seen, answer)).ping())
    assert [request.url.host for request in seen] == ["hc.example"]


IMAGES = "/v3/merchant-service/images/"


@pytest.mark.parametrize(
    "url",
    [
        f"https://10.0.0.1{IMAGES}a",
        f"https://api.mch.weixin.qq.com@10.0.0.1{IMAGES}a",
        f"http://169.254.169.254:80{IMAGES}a",
        f"//10.0.0.1{IMAGES}a",
        f"file://{IMAGES}a",
        "http://169.254.169.254/latest/meta-data/",
        f"https://10.0.0.1\\@api.mch.weixin.qq.com{IMAGES}a",
    ],
)
def test_a_payers_picture_is_asked_for_at_the_platform_or_not_at_all(url: str) -> None:
    seen: list[httpx2.Request] = []
    answer = httpx2.Response(302, headers={"Location": "http://10.0.0.1/"})

    async def once() -> None:
        key = rsa.generate_private_key(65537, 2048)
        credentials = MerchantCredentials("1900000109", "5F1C", key)
        async with Client(credentials, PlatformKeys(), now=lambda: NOW, transport=outside(seen, answer)) as client:
            await client.download_image(url)

    with pytest.raises(WeChatPayError):
        asyncio.run(once())
    assert {request.url.host for request in seen} <= {"api.mch.weixin.qq.com", "api2.mch.weixin.qq.com"}


@pytest.mark.parametrize(
    "place",
    [
        "http://10.0.0.1",
        "https://api.mch.weixin.qq.com.evil.example",
        "https://api.mch.weixin.qq.com@10.0.0.1",
        "http://127.0.0.1@10.0.0.1",
        "http://127.0.0.1.evil.example",
        "http://api.mch.weixin.qq.com",
    ],
)
def test_the_platform_is_at_its_own_address_or_on_this_machine(db: None, place: str) -> None:
    said = checked("number", {"mchid": "1900000109", "base_url": place}, now=NOW)
    assert [(one.level, one.field) for one in said if one.level == "bad"] == [("bad", "base_url")]
