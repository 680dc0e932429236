"""Errors as ``application/problem+json`` (RFC 9457). ``code`` is for programs, ``detail`` for people."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from kesu.accounts.tokens import NarrowToken
from kesu.alerts.services import ClaimedError
from kesu.commands.errors import Conflict, InvalidCommand, Refused
from kesu.commands.people_wording import PersonError
from kesu.commands.pictures import PictureRefused
from kesu.commands.wording import difference, invalid, kind, picture_refused
from kesu.merchants.calls import Failure, explained
from kesu.merchants.credentials import NoCredentials
from kesu.merchants.entering import Unusable
from kesu.merchants.services import AccountError
from kesu.sync.account_verbs import ForeignCallback
from kesu.wechatpay import WeChatPayError

CONTENT_TYPE = "application/problem+json"
TITLES = {
    400: "Bad request",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    409: "In the way",
    422: "Unusable input",
    500: "Our fault",
}


class Problem(Exception):
    """An error on purpose. ``more`` goes into the answer's ``detail``'s company, JSON values only."""

    def __init__(self, status: int, code: str, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.more = status, code, detail, more


def failed(failure: Failure) -> Problem:
    """A call to the platform that proved nothing. ``passing``: the same may succeed a little later."""
    more = {"platform_code": failure.code, "request_id": failure.request_id, "passing": failure.passing}
    return Problem(409, "not_proved", f"{failure.what} {failure.to_do}", **more)


def answer(status: int, code: str, detail: str, **more: Any) -> HttpResponse:
    told = {"type": "about:blank", "title": TITLES.get(status, "Error"), "status": status, "code": code}
    body = json.dumps({**told, "detail": detail, **more}, ensure_ascii=False)
    return HttpResponse(body, status=status, content_type=CONTENT_TYPE)


def _on_purpose(request: HttpRequest, problem: Problem) -> HttpResponse:
    return answer(problem.status, problem.code, problem.detail, **problem.more)


def _on_refused(request: HttpRequest, refused: Refused) -> HttpResponse:
    concerns = [concern.as_json() for concern in refused.concerns]
    text = " ".join(concern.message for concern in refused.standing)
    return answer(409, "refused", text, concerns=concerns)


def _on_conflict(request: HttpRequest, conflict: Conflict) -> HttpResponse:
    commands = [
        {"id": row.pk, "kind": row.kind, "said": kind(row), "state": row.state, "by": str(row.actor or "")}
        for row in conflict.commands
    ]
    entries = [
        {"log_id": row.log_id, "operate_type": row.operate_type, "details": row.details} for row in conflict.entries
    ]
    requests = [{"id": row.pk, "amount": row.amount, "by": str(row.requested_by or "")} for row in conflict.requests]
    return answer(409, "conflict", difference(conflict), commands=commands, entries=entries, requests=requests)


def _on_claimed(request: HttpRequest, claimed: ClaimedError) -> HttpResponse:
    return answer(409, "claimed", str(claimed), owner=claimed.owner.username)


def _on_invalid(request: HttpRequest, wrong: InvalidCommand) -> HttpResponse:
    # The input has the right shape (that is 422); it does not fit the case or the desk as they are.
    return answer(409, wrong.reason, invalid(wrong))


def _on_person(request: HttpRequest, wrong: PersonError) -> HttpResponse:
    return answer(409, wrong.reason, str(wrong))


def _on_picture(request: HttpRequest, wrong: PictureRefused) -> HttpResponse:
    return answer(422, f"picture_{wrong.reason}", picture_refused(wrong))


def _on_account(request: HttpRequest, wrong: AccountError) -> HttpResponse:
    return answer(409, "merchant_refused", str(wrong))


def _on_unusable(request: HttpRequest, wrong: Unusable) -> HttpResponse:
    return answer(409, "keys_refused", str(wrong), problems=wrong.problems)


def _on_foreign(request: HttpRequest, foreign: ForeignCallback) -> HttpResponse:
    text = "The platform calls another address. If no other system needs it any more, repeat with replaces."
    return answer(409, "foreign_callback", text, url=foreign.url)


def _on_platform(request: HttpRequest, error: WeChatPayError | NoCredentials) -> HttpResponse:
    return _on_purpose(request, failed(explained(error)))


def _on_validation(request: HttpRequest, wrong: ValidationError) -> HttpResponse:
    errors = [
        {"where": ".".join(str(part) for part in error["loc"]), "what": str(error["msg"])} for error in wrong.errors
    ]
    text = "; ".join(f"{error['where']}: {error['what']}" for error in errors)
    return answer(422, "invalid_input", text, errors=errors)


def _on_unknown(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    response = answer(401, "token_needed", "Send a valid token: Authorization: Bearer kesu_...")
    response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _on_forbidden(request: HttpRequest, error: PermissionDenied) -> HttpResponse:
    return answer(403, "forbidden", str(error) or "Not allowed.")


def _on_narrow(request: HttpRequest, error: NarrowToken) -> HttpResponse:
    return answer(403, "narrow_token", str(error))


def _on_missing(request: HttpRequest, error: ObjectDoesNotExist) -> HttpResponse:
    return answer(404, "not_found", "There is no such thing, or it is not for you to see.")


def _on_http(request: HttpRequest, error: HttpError) -> HttpResponse:
    return answer(error.status_code, "bad_request", str(error))


HANDLERS: dict[type[Exception], Callable[..., HttpResponse]] = {
    Problem: _on_purpose,
    Refused: _on_refused,
    Conflict: _on_conflict,
    ClaimedError: _on_claimed,
    InvalidCommand: _on_invalid,
    PersonError: _on_person,
    PictureRefused: _on_picture,
    AccountError: _on_account,
    Unusable: _on_unusable,
    ForeignCallback: _on_foreign,
    WeChatPayError: _on_platform,
    NoCredentials: _on_platform,
    ValidationError: _on_validation,
    AuthenticationError: _on_unknown,
    NarrowToken: _on_narrow,
    PermissionDenied: _on_forbidden,
    ObjectDoesNotExist: _on_missing,
    Http404: _on_missing,
    HttpError: _on_http,
}


def register(api: NinjaAPI) -> None:
    """Every exception that an address may raise becomes a problem; none shows what is inside."""
    for exception, handler in HANDLERS.items():
        api.add_exception_handler(exception, handler)
