"""The process of the pages and the API: Django as WSGI in threads, on the Unix socket that ``front.py`` forwards to.

Django under ASGI would open a database connection a request.
"""

from __future__ import annotations

import os

import django

django.setup()

from a2wsgi import WSGIMiddleware  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402

from kesu.config import urls  # noqa: E402, F401 - loads every view before the fork
from kesu.config.forwarding import ALIVE, Receive, Scope, Send  # noqa: E402
from kesu.config.settings import CONFIGURATION  # noqa: E402


class Pages:
    """The ASGI application."""

    def __init__(self) -> None:
        self._pages = WSGIMiddleware(get_wsgi_application(), workers=CONFIGURATION.web_threads)  # type: ignore[arg-type]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == ALIVE:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": str(os.getpid()).encode()})
        elif scope["type"] == "http":
            await self._pages(scope, receive, send)  # type: ignore[arg-type]
