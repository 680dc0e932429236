"""The WeCom application that vouches for staff: where to send a browser, and who came back.

Sources: 构造企业微信登录链接 https://developer.work.weixin.qq.com/document/path/98171 (browser), 98177 (getuserinfo),
91039 (gettoken).
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx2
from django.conf import settings
from django.core.cache import cache

from kesu.vault import VaultError, keyring

SCAN_HOST = "https://login.work.weixin.qq.com"
INSIDE_HOST = "https://open.weixin.qq.com"
SECONDS = 8.0
RENEW_SECONDS_BEFORE = 300
SEALED_AS = "accounts.wecom.token"
TOKEN_ENDED = frozenset({40001, 40014, 42001})
BAD_CODE = 40029
MOST_CODE_BYTES = 512


class WecomError(Exception):
    """WeCom did not say who it is. ``code``: its errcode, 0 without one. Never holds a secret or a token."""

    def __init__(self, what: str, code: int = 0) -> None:
        super().__init__(f"{what} ({code})" if code else what)
        self.code = code


@dataclass(frozen=True)
class Application:
    """A company's own application (自建应用). ``api_url``: WeCom, a proxy whose address it trusts, or a sandbox."""

    corp_id: str
    agent_id: str
    secret: str
    api_url: str

    def address(self, *, redirect_uri: str, state: str, inside: bool, language: str) -> str:
        """Where the browser goes: a page with a code to scan or, ``inside`` WeCom, a silent confirmation.

        ``state``: letters and digits, at most 128 bytes.
        """
        if inside:
            wanted = {"appid": self.corp_id, "redirect_uri": redirect_uri, "response_type": "code"}
            wanted |= {"scope": "snsapi_base", "state": state, "agentid": self.agent_id}
            return f"{INSIDE_HOST}/connect/oauth2/authorize?{urlencode(wanted)}#wechat_redirect"
        wanted = {"login_type": "CorpApp", "appid": self.corp_id, "agentid": self.agent_id}
        wanted |= {"redirect_uri": redirect_uri, "state": state, "lang": language}
        return f"{SCAN_HOST}/wwlogin/sso/login?{urlencode(wanted)}"

    def userid_of(self, code: str) -> str:
        """The account id of the member of the company who came back with ``code``.

        WeCom answers errcode 0 for people outside the company too, with an openid and without a userid; and it names
        members whom the application is not even visible to. So an id is required here, and whoever asks must still
        look for it among the desk's own people. Raises WecomError.
        """
        if not code or len(code.encode()) > MOST_CODE_BYTES:
            raise WecomError("no usable code")
        answer = self._userinfo(code, self._token())
        if answer["errcode"] in TOKEN_ENDED:
            cache.delete(self._token_place())
            answer = self._userinfo(code, self._token())
        if answer["errcode"] != 0:
            raise WecomError("WeCom refused the code", answer["errcode"])
        userid = answer.get("userid")
        if not isinstance(userid, str) or not userid.strip():
            raise WecomError("nobody of the company")
        return userid.strip()

    def _userinfo(self, code: str, token: str) -> dict[str, Any]:
        return self._ask("/cgi-bin/auth/getuserinfo", {"access_token": token, "code": code})

    def _token_place(self) -> str:
        """Of these very credentials: after a change of the settings the old application's token is not used."""
        return keyring().fingerprint(f"{self.corp_id} {self.agent_id} {self.secret}", SEALED_AS)

    def _token(self) -> str:
        """Asking often is punished: one token for all processes, kept sealed where they share it."""
        found = _opened(cache.get(self._token_place()))
        if found:
            return found
        answer = self._ask("/cgi-bin/gettoken", {"corpid": self.corp_id, "corpsecret": self.secret})
        token, seconds = answer.get("access_token"), answer.get("expires_in")
        if answer["errcode"] != 0 or not isinstance(token, str) or not isinstance(seconds, int):
            raise WecomError("no access token", answer["errcode"])
        sealed = base64.b64encode(keyring().seal(token.encode(), SEALED_AS)).decode()
        cache.set(self._token_place(), sealed, timeout=max(seconds - RENEW_SECONDS_BEFORE, 1))
        return token

    def _ask(self, path: str, parameters: dict[str, str]) -> dict[str, Any]:
        try:
            with httpx2.Client(timeout=SECONDS, follow_redirects=False, trust_env=False) as client:
                answer = client.get(f"{self.api_url}{path}", params=parameters).json()
        except (httpx2.HTTPError, ValueError) as error:
            # The address holds the secret or a token, and so may the error's own words.
            raise WecomError(f"no answer ({type(error).__name__})") from None
        if not isinstance(answer, dict) or not isinstance(answer.get("errcode"), int):
            raise WecomError("the answer was not WeCom's")
        return answer


def _opened(sealed: object) -> str:
    """The token in a sealed value of the cache; "" when there is none that this keyring opens."""
    if not isinstance(sealed, str):
        return ""
    try:
        return keyring().open(base64.b64decode(sealed), SEALED_AS).decode()
    except VaultError:
        return ""


def application() -> Application | None:
    """The one of the settings; None where WeCom sign-in is not set up."""
    found = settings.KESU_WECOM_LOGIN
    return Application(**found) if found else None
