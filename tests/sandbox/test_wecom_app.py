"""WeCom applications of the sandbox: tokens, personal messages, cards, and what pressing a button sends."""

import httpx2
import pytest

from kesu.sandbox import wecom_envelope

pytestmark = pytest.mark.anyio

TOKEN, KEY = "QDG6eK", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
URL = "http://desk.test/callbacks/wecom/1"


def card(task_id="t-1", **changes):
    return {
        "card_type": "button_interaction",
        "main_title": {"title": "投诉"},
        "task_id": task_id,
        "button_list": [
            {"type": 0, "text": "认领", "key": "claim:x"},
            {"type": 1, "text": "打开", "url": "https://x.test"},
        ],
    } | changes


class Desk:
    """Takes callbacks as a desk would; `label` greys the button, `statuses` are its next answers."""

    def __init__(self):
        self.events = []
        self.statuses = []
        self.label = "已认领"

    def __call__(self, request):
        query = request.url.params
        if request.method == "GET":
            try:
                return httpx2.Response(200, text=wecom_envelope.decrypt(KEY, query["echostr"], self.corpid))
            except ValueError:
                return httpx2.Response(403)
        encrypted = wecom_envelope.texts(request.content.decode())["Encrypt"]
        assert query["msg_signature"] == wecom_envelope.signature(TOKEN, query["timestamp"], query["nonce"], encrypted)
        self.events.append(wecom_envelope.texts(wecom_envelope.decrypt(KEY, encrypted, self.corpid)))
        status = self.statuses.pop(0) if self.statuses else 200
        if status != 200 or not self.label:
            return httpx2.Response(status)
        answer = f"<xml><MsgType>update_button</MsgType><Button><ReplaceName>{self.label}</ReplaceName></Button></xml>"
        sealed = wecom_envelope.encrypt(KEY, answer, self.corpid)
        fields = {"Encrypt": sealed, "MsgSignature": wecom_envelope.signature(TOKEN, "1", "2", sealed)}
        return httpx2.Response(200, text=wecom_envelope.event_xml({**fields, "TimeStamp": "1", "Nonce": "2"}))


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
async def app(tell, desk):
    """An application whose callback address is set."""
    story = tell(transport=httpx2.MockTransport(desk))
    made = (await story.control("POST", "/wecom/apps", {"members": ["ZhangSan", "LiSi"]})).json()
    desk.corpid = made["corpid"]
    answer = await story.control("POST", f"/wecom/apps/{made['agentid']}/callback", callback())
    assert answer.status_code == 200, answer.text
    return App(story, made)


def callback(**changes):
    return {"url": URL, "token": TOKEN, "encoding_aes_key": KEY} | changes


class App:
    def __init__(self, story, made):
        self.story, self.made = story, made

    async def token(self, **changes):
        query = {"corpid": self.made["corpid"], "corpsecret": self.made["secret"]} | changes
        return (await self.story.http.get("/cgi-bin/gettoken", params=query)).json()

    async def call(self, verb, body, token=None):
        token = token or (await self.token())["access_token"]
        answer = await self.story.http.post(f"/cgi-bin/message/{verb}?access_token={token}", json=body)
        assert answer.status_code == 200
        return answer.json()

    async def send(self, touser="ZhangSan|LiSi", token=None, **body):
        body = body or {"msgtype": "text", "text": {"content": "你好"}}
        return await self.call("send", {"touser": touser, "agentid": self.made["agentid"], **body}, token)

    async def send_card(self, *args, **changes):
        return await self.send(msgtype="template_card", template_card=card(*args, **changes))

    async def grey(self, code, label="已回复", **target):
        body = {"agentid": self.made["agentid"], "response_code": code, "button": {"replace_name": label}}
        return (await self.call("update_template_card", body | (target or {"atall": 1})))["errcode"]

    async def messages(self):
        return (await self.story.control("GET", "/wecom/app-messages")).json()

    async def press(self, n=1, userid="LiSi", **wish):
        return await self.story.control("POST", f"/wecom/app-messages/{n}/press", {"userid": userid, **wish})


async def test_a_message_reaches_members_and_names_the_others(app):
    answer = await app.send("ZhangSan|GoneAway")
    assert (answer["errcode"], answer["invaliduser"]) == (0, "goneaway")
    (message,) = await app.messages()
    assert (message["receivers"], message["content"]) == (["ZhangSan"], "你好")
    assert (await app.send("GoneAway"))["errcode"] == 81013


async def test_a_token_lasts_two_hours_and_only_for_the_right_secret(app):
    assert (await app.token(corpsecret="wrong"))["errcode"] == 40001
    assert (await app.token(corpid="wrong"))["errcode"] == 40013
    token = (await app.token())["access_token"]
    assert (await app.send(token=token))["errcode"] == 0
    await app.story.pass_time(hours=2)
    assert (await app.send(token=token))["errcode"] == 42001
    assert (await app.send(token="made up"))["errcode"] == 40014


async def test_tokens_can_be_ended_early(app):
    token = (await app.token())["access_token"]
    await app.story.control("DELETE", f"/wecom/apps/{app.made['agentid']}/tokens")
    assert (await app.send(token=token))["errcode"] == 40014


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({"msgtype": "text", "text": {"content": "字" * 682}}, 0),
        ({"msgtype": "text", "text": {"content": "字" * 683}}, 40058),
        ({"msgtype": "markdown", "markdown": {"content": "x" * 2049}}, 40058),
        ({"msgtype": "markdown", "markdown": {"content": ""}}, 44004),
        ({"msgtype": "poem"}, 40008),
        ({"msgtype": "template_card", "template_card": card(task_id="a b")}, 40058),
        ({"msgtype": "template_card", "template_card": card(button_list=[])}, 40058),
        ({"msgtype": "template_card", "template_card": card(button_list=[{"text": "x", "key": "k" * 1025}])}, 40058),
        ({"msgtype": "template_card", "template_card": card(main_title={})}, 40058),
    ],
)
async def test_limits_are_kept(app, body, errcode):
    assert (await app.send(**body))["errcode"] == errcode


async def test_a_task_is_never_used_twice(app):
    assert (await app.send_card("t-1"))["errcode"] == 0
    assert (await app.send_card("t-1"))["errcode"] == 40058


async def test_more_than_thirty_a_minute_are_dropped_without_a_word(app):
    for _ in range(31):
        assert (await app.send("LiSi"))["errcode"] == 0
    assert [message["dropped_for"] for message in await app.messages()][-2:] == [[], ["LiSi"]]


async def test_a_code_changes_a_card_once_and_within_72_hours(app):
    first, second = [(await app.send_card(task))["response_code"] for task in ("t-1", "t-2")]
    assert await app.grey(first, userids=["LiSi"]) == 0
    assert (await app.messages())[0]["greyed"] == {"LiSi": "已回复"}
    assert await app.grey(first) == 40058
    await app.story.pass_time(hours=72)
    assert await app.grey(second) == 40058


async def test_pressing_a_button_calls_the_desk_and_shows_its_answer(app, desk):
    await app.send_card()
    assert (await app.press()).json() == {"statuses": [200], "label": "已认领"}
    (event,) = desk.events
    assert (event["FromUserName"], event["EventKey"], event["TaskId"]) == ("LiSi", "claim:x", "t-1")
    assert event["Event"] == "template_card_event"
    assert await app.grey(event["ResponseCode"]) == 0
    assert (await app.messages())[0]["greyed"] == {"LiSi": "已回复", "ZhangSan": "已回复"}


async def test_an_unanswered_callback_is_repeated_three_times_in_all(app, desk):
    await app.send_card()
    desk.statuses = [500, 502]
    assert (await app.press()).json() == {"statuses": [500, 502, 200], "label": "已认领"}
    desk.statuses = [500] * 9
    assert (await app.press(userid="ZhangSan")).json() == {"statuses": [500] * 3, "label": None}
    assert len({(event["CreateTime"], event["ResponseCode"]) for event in desk.events[:3]}) == 1


@pytest.mark.parametrize(
    ("wish", "status"),
    [({"userid": "Nobody"}, 400), ({"key": "other"}, 400), ({"n": 99}, 404), ({"again": 9}, 400)],
)
async def test_a_press_that_cannot_be_is_refused(app, wish, status):
    await app.send_card()
    assert (await app.press(**wish)).status_code == status


async def test_a_grey_button_cannot_be_pressed(app):
    await app.send_card()
    await app.press()
    assert (await app.press()).status_code == 409


async def test_an_address_that_fails_the_check_is_not_saved(app, desk):
    address = f"/wecom/apps/{app.made['agentid']}/callback"
    desk.corpid = "ww_other"
    refused = await app.story.control("POST", address, callback(token="other"))
    assert (refused.status_code, "HTTP 403" in refused.json()["error"]) == (400, True)
    assert (await app.story.control("POST", address, callback(encoding_aes_key="short"))).status_code == 400
    assert app.story.sandbox.state.wecom_apps[app.made["agentid"]].callback_token == TOKEN


async def test_troubles_can_be_ordered(app):
    await app.story.fault("wecom_app", "errcode", value=60020, count=1, path="/message/send")
    answer = await app.send()
    assert answer["errcode"] == 60020
    assert "from ip: 203.0.113.7" in answer["errmsg"]
    assert (await app.send())["errcode"] == 0


async def test_it_is_remembered_across_a_restart(app):
    from pydantic import TypeAdapter

    from kesu.sandbox.state import State

    await app.send_card()
    kept = TypeAdapter(State)
    again = kept.validate_json(kept.dump_json(app.story.sandbox.state))
    assert again.wecom_apps[app.made["agentid"]].taken_tasks == ["t-1"]
    assert again.app_messages[0].receivers == ["ZhangSan", "LiSi"]
