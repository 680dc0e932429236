"""A sandbox in a directory keeps its keys, its clock and the truth over a restart."""

import json
import stat

import httpx2
import pytest

from kesu.sandbox import Identity, Sandbox

pytestmark = pytest.mark.anyio


@pytest.fixture
def reopen(tell, tmp_path, identity):
    """Begin, or begin again, on the same directory."""
    identity.save(tmp_path)
    return lambda **options: tell(directory=tmp_path, identity=None, **options)


async def test_keys_numbers_and_robot_stay(reopen):
    first = reopen()
    described = first.sandbox.description()
    await first.sandbox.aclose()
    assert reopen().sandbox.description() == described


async def test_the_description_has_all_that_a_tool_needs(reopen, tmp_path):
    described = reopen().sandbox.description()
    assert set(described) == {"wechatpay", "merchants", "wecom", "control_url", "clock_file", "shops"}
    assert set(described["wechatpay"]) == {
        "base_url",
        "public_key_id",
        "public_key_pem",
        "certificate_serial",
        "certificate_pem",
        "private_key_pem",
    }
    roles = {merchant["role"]: merchant for merchant in described["merchants"]}
    assert set(roles) == {"merchant", "partner"}
    assert len(roles["partner"]["sub_mchids"]) == 3
    for merchant in described["merchants"]:
        assert set(merchant) == {
            "mchid",
            "role",
            "sub_mchids",
            "serial_no",
            "private_key_pem",
            "certificate_pem",
            "apiv3_key",
        }
        assert len(merchant["apiv3_key"]) == 32
    assert described["clock_file"] == str(tmp_path / "clock.json")


async def test_the_truth_stays(reopen):
    first = reopen()
    await first.hook()
    complaint = await first.complain(problem_type="REFUND", pictures=1, amount=5000)
    picture = (await first.merchant.upload(b"BM picture")).json()["media_id"]
    await first.merchant.reply(complaint, response_images=[picture])
    await first.merchant.refund(complaint, "R1", 5000)
    first.receiver.status = 500
    await first.sandbox.run_due()
    truth, state = await first.truth(complaint), await first.state()
    await first.sandbox.aclose()

    second = reopen()
    assert await second.truth(complaint) | {"payer_phone": ""} == truth | {"payer_phone": ""}
    assert (await second.state())["notify_urls"] == state["notify_urls"]
    url = (await second.merchant.history(complaint))[-1]["image_list"][0]
    assert (await second.merchant.get(url.removeprefix("http://sandbox.test"))).content == b"BM picture"
    # What was on its way still comes: the notice's next try, and the money.
    await second.pass_time(minutes=10)
    assert second.opened()[0].action_type == "CREATE_COMPLAINT"
    assert (await second.truth(complaint))["complaint_state"] == "PROCESSED"
    assert await second.complain() != complaint


async def test_notices_after_a_restart_have_new_ids(reopen):
    ids = []
    for _ in range(3):
        story = reopen()
        if not ids:
            await story.hook()
        await story.complain()
        await story.sandbox.run_due()
        ids += [notice.id for notice in story.opened()]
        await story.sandbox.aclose()
    assert len(set(ids)) == 3


async def test_the_clock_goes_on(reopen):
    first = reopen()
    await first.pass_time(days=3)
    then = first.sandbox.clock.now()
    await first.sandbox.aclose()
    assert reopen().sandbox.clock.now() == then


async def test_secrets_are_for_the_owner_only(tmp_path):
    Sandbox.create(tmp_path / "fresh").save()
    for name in ("identity.json", "state.json"):
        assert stat.S_IMODE((tmp_path / "fresh" / name).stat().st_mode) == 0o600
    assert Identity.load(tmp_path / "fresh" / "identity.json").accounts[0].apiv3_key


async def test_messages_keep_their_numbers(reopen):
    first = reopen()
    body = {"msgtype": "text", "text": {"content": "x"}}
    key = first.sandbox.identity.robot_key
    await first.http.post(f"/cgi-bin/webhook/send?key={key}", json=body)
    await first.sandbox.aclose()
    second = reopen()
    await second.http.post(f"/cgi-bin/webhook/send?key={key}", json=body)
    listed = (await second.control("GET", "/wecom/messages")).json()
    assert [one["n"] for one in listed] == [1, 2]


async def test_the_page_is_self_contained(story):
    page = await story.http.get("/")
    assert page.status_code == 200
    assert "default-src 'self'" in page.headers["content-security-policy"]
    for name in ("page.css", "page.js"):
        assert f'"/static/{name}"' in page.text
        assert (await story.http.get(f"/static/{name}")).status_code == 200
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert " onclick=" not in page.text


async def test_the_page_shows_a_payers_picture(story):
    complaint = await story.complain(pictures=1)
    (path,) = (await story.truth(complaint))["pictures"]
    assert (await story.http.get(path)).headers["content-type"] == "image/png"
    assert (await story.http.get("/pictures/nothing-0")).status_code == 404


async def test_an_asgi_desk_can_receive_the_notices(identity):
    """What a story does: the notices travel into an application instead of over a socket."""
    got = []

    async def desk(scope, receive, send):
        got.append(json.loads((await receive())["body"]))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    sandbox = Sandbox.create(identity=identity, speed=0, transport=httpx2.ASGITransport(desk))
    sandbox.state.notify_urls[identity.accounts[0].mchid] = "http://desk.test/notify"
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(sandbox.app), base_url=sandbox.base_url) as http:
        await http.post("/control/complaints", json={"mchid": identity.accounts[0].mchid, "count": 3})
    assert await sandbox.run_due() == 3
    assert [envelope["event_type"] for envelope in got] == ["COMPLAINT.CREATE"] * 3
    assert sandbox.next_due() is None
    await sandbox.aclose()
