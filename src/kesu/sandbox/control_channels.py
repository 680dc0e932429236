"""The control API of DingTalk and Feishu robots and of WeCom applications.

POST dingtalk/robots, feishu/robots {secret?, keyword?} -> {token, webhook_url}; DELETE .../robots/{token}
GET  dingtalk/messages?after=N, feishu/messages?after=N
POST wecom/apps {members?} -> {corpid, agentid, secret, api_url}; DELETE wecom/apps/{agentid}/tokens
POST wecom/apps/{agentid}/callback {url, token, encoding_aes_key}: checks the address as WeCom does
POST wecom/apps/{agentid}/logins {userid | openid} -> {code}: who agreed in the browser; openid: nobody of the company
GET  wecom/app-messages?after=N
POST wecom/app-messages/{n}/press {userid, key?, again?} -> {statuses, label}: the first button that answers without key
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from kesu.sandbox import report, wecom_login
from kesu.sandbox.chat_robots import Kind
from kesu.sandbox.control_input import Input
from kesu.sandbox.errors import ScriptError
from kesu.sandbox.state import AppMessage
from kesu.sandbox.virtual_clock import rfc3339

if TYPE_CHECKING:
    from kesu.sandbox.sandbox import Sandbox

Answer = dict[str, Any] | list[Any] | None


async def create_dingtalk(sandbox: Sandbox, request: Request) -> Answer:
    robot = await _create(sandbox, request, "dingtalk")
    return {"token": robot, "webhook_url": f"{sandbox.base_url}/robot/send?access_token={robot}"}


async def create_feishu(sandbox: Sandbox, request: Request) -> Answer:
    robot = await _create(sandbox, request, "feishu")
    return {"token": robot, "webhook_url": f"{sandbox.base_url}/open-apis/bot/v2/hook/{robot}"}


async def remove_chat_robot(sandbox: Sandbox, request: Request) -> Answer:
    if not sandbox.chat_robots.remove(request.path_params["token"]):
        raise ScriptError("there is no robot with this token", status=404)
    return None


async def list_chat_messages(sandbox: Sandbox, request: Request) -> Answer:
    after = Input.query_number(request, "after", default=0, least=0)
    kind: Kind = "dingtalk" if "/dingtalk/" in request.url.path else "feishu"
    return [report.message(one) for one in sandbox.chat_robots.messages_after(kind, after)]


async def create_app(sandbox: Sandbox, request: Request) -> Answer:
    given = await Input.read(request)
    members = given.anything("members") or []
    given.finish()
    if not (isinstance(members, list) and all(isinstance(one, str) for one in members)):
        raise ScriptError("members must be a list of account ids")
    app = sandbox.wecom_apps.create(members)
    return {"corpid": app.corpid, "agentid": app.agentid, "secret": app.secret, "api_url": sandbox.base_url}


async def end_tokens(sandbox: Sandbox, request: Request) -> Answer:
    sandbox.wecom_apps.end_tokens(request.path_params["agentid"])
    return None


async def set_callback(sandbox: Sandbox, request: Request) -> Answer:
    given = await Input.read(request)
    url, token, key = (given.text(name, required=True) or "" for name in ("url", "token", "encoding_aes_key"))
    given.finish()
    agentid = request.path_params["agentid"]
    await sandbox.wecom_apps.set_callback(agentid, url, token, key, now=sandbox.clock.now())
    return {"url": url}


async def log_in(sandbox: Sandbox, request: Request) -> Answer:
    given = await Input.read(request)
    userid, openid = given.text("userid") or "", given.text("openid") or ""
    given.finish()
    if bool(userid) == bool(openid):
        raise ScriptError("give userid or openid")
    app = sandbox.wecom_apps.app(request.path_params["agentid"])
    return {"code": wecom_login.come_back(app, userid=userid, openid=openid, now=sandbox.clock.now())}


async def list_app_messages(sandbox: Sandbox, request: Request) -> Answer:
    after = Input.query_number(request, "after", default=0, least=0)
    return [_app_message(one) for one in sandbox.wecom_apps.messages_after(after)]


async def press(sandbox: Sandbox, request: Request) -> Answer:
    given = await Input.read(request)
    userid, key = given.text("userid", required=True) or "", given.text("key")
    again = given.integer("again", least=0, most=2) or 0
    given.finish()
    n = request.path_params["n"]
    if key is None:
        buttons = (sandbox.wecom_apps.message(n).card or {}).get("button_list", [])
        key = next((str(one["key"]) for one in buttons if one.get("type", 0) == 0), "")
    return await sandbox.wecom_apps.press(n, userid, key, now=sandbox.clock.now(), again=again)


async def _create(sandbox: Sandbox, request: Request, kind: Kind) -> str:
    given = await Input.read(request)
    secret, keyword = given.text("secret") or "", given.text("keyword") or ""
    given.finish()
    return sandbox.chat_robots.create(kind, secret, keyword).token


def _app_message(one: AppMessage) -> dict[str, Any]:
    return {
        "n": one.n,
        "time": rfc3339(one.time, milliseconds=True),
        "agentid": one.agentid,
        "msgtype": one.msgtype,
        "content": one.content,
        "receivers": one.receivers,
        "errcode": one.errcode,
        "accepted": one.errcode == 0,
        "card": one.card,
        "dropped_for": one.dropped_for,
        "greyed": one.greyed,
        "updates": one.updates,
    }


ROUTES: list[tuple[str, str, Callable[[Sandbox, Request], Awaitable[Answer]]]] = [
    ("POST", "/dingtalk/robots", create_dingtalk),
    ("POST", "/feishu/robots", create_feishu),
    ("DELETE", "/dingtalk/robots/{token}", remove_chat_robot),
    ("DELETE", "/feishu/robots/{token}", remove_chat_robot),
    ("GET", "/dingtalk/messages", list_chat_messages),
    ("GET", "/feishu/messages", list_chat_messages),
    ("POST", "/wecom/apps", create_app),
    ("DELETE", "/wecom/apps/{agentid:int}/tokens", end_tokens),
    ("POST", "/wecom/apps/{agentid:int}/callback", set_callback),
    ("POST", "/wecom/apps/{agentid:int}/logins", log_in),
    ("GET", "/wecom/app-messages", list_app_messages),
    ("POST", "/wecom/app-messages/{n:int}/press", press),
]
