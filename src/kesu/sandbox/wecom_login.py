"""Sign-in through a WeCom application: the code that the browser brings back, and whom it stands for.

Source: 获取访问用户身份 https://developer.work.weixin.qq.com/document/path/98177. As there, an employee's userid
is told whether or not the application is visible to them, and somebody outside the company gets errcode 0 too,
without one.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

from kesu.sandbox.app_messages import Refused
from kesu.sandbox.state import WecomApp

CODE_LIFE = timedelta(minutes=5)


def come_back(app: WecomApp, *, userid: str = "", openid: str = "", now: datetime) -> str:
    """The code with which a browser comes back after an employee, or an outsider with `openid`, agreed."""
    code = secrets.token_urlsafe(32)
    app.login_codes[code] = (userid, openid, now + CODE_LIFE)
    return code


def userinfo(app: WecomApp, code: str, *, now: datetime) -> dict[str, Any]:
    """auth/getuserinfo: each code once, within five minutes. Raises Refused."""
    userid, openid, ends_at = app.login_codes.pop(code, ("", "", now))
    if now >= ends_at:
        raise Refused(40029, "invalid code")
    answer = {"errcode": 0, "errmsg": "ok"}
    return answer | ({"userid": userid} if userid else {"openid": openid, "external_userid": f"wm{openid}"})
