"""The API put together. Its description is at ``/api/v1/openapi.json``."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from kesu import __version__
from kesu.api import (
    around,
    channels,
    complaints,
    desk,
    judging,
    ladders,
    lists,
    looking,
    me,
    merchant_parts,
    merchants,
    people,
    problems,
    quick_replies,
    rotas,
    system,
    webhooks,
)
from kesu.api.authentication import Token
from kesu.api.shapes import ProblemOut

ERRORS = {
    "400": "The body cannot be read",
    "401": "No valid token",
    "403": "Neither role nor scope allows it",
    "404": "No such thing, or not for you to see",
    "409": "Something stands in the way: guards, red lines, or what happened meanwhile",
    "422": "The input cannot be used",
}
DESCRIPTION = (
    "Everything that staff do with complaints, by the same functions as the pages. Times are ISO 8601 in UTC, "
    "money is fen. Errors are application/problem+json."
)


class Api(NinjaAPI):
    """Declares, for every address, the problems that it may answer."""

    def get_openapi_schema(self, **more: Any) -> OpenAPISchema:
        schema = super().get_openapi_schema(**more)
        schema["openapi"] = "3.1.0"
        schema["components"]["schemas"]["ProblemOut"] = ProblemOut.model_json_schema()
        content = {problems.CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}}
        for methods in schema["paths"].values():
            for operation in methods.values():
                for status, text in ERRORS.items():
                    operation["responses"][status] = {"description": text, "content": content}
        return schema

    def create_response(self, request: HttpRequest, data: Any, **more: Any) -> HttpResponse:
        response = super().create_response(request, data, **more)
        response.headers["Cache-Control"] = "no-store"
        return response


api = Api(
    title="Kesu",
    version=__version__,
    description=DESCRIPTION,
    auth=Token(),
    docs_url=None,
    openapi_url="/openapi.json",
    urls_namespace="api",
)
problems.register(api)
for part in (
    complaints,
    judging,
    looking,
    around,
    lists,
    desk,
    quick_replies,
    channels,
    ladders,
    rotas,
    webhooks,
    people,
    me,
    merchants,
    merchant_parts,
    system,
):
    api.add_router("", part.router)


def addresses() -> tuple[Any, ...]:
    """For ``config/urls.py``. The pages' sign-in is not asked here: every address but the description wants a token."""
    patterns, *names = api.urls
    for pattern in patterns:
        if pattern.callback is not None:
            login_not_required(pattern.callback)
    return (patterns, *names)
