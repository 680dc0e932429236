"""The sandbox's web page: the WeCom group, the payers, the troubles, the clock. It only uses the control API."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from kesu.sandbox.pictures import PictureAddress, draw

if TYPE_CHECKING:
    from kesu.sandbox.sandbox import Sandbox

STATIC = Path(__file__).parent / "static"

# Nothing from elsewhere, nothing inline: whatever a payer writes stays text.
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def routes(sandbox: Sandbox) -> list[BaseRoute]:
    async def page(request: Request) -> Response:
        return FileResponse(STATIC / "page.html", headers=_HEADERS)

    async def picture(request: Request) -> Response:
        """A payer's picture without a signature, for this page only."""
        name = request.path_params["name"]
        address = PictureAddress("payer", name.rpartition("-")[0], name)
        complaint = sandbox.state.complaints.get(address.complaint_id)
        if complaint is None or name not in complaint.pictures:
            return Response(status_code=404)
        return Response(draw(name), media_type="image/png", headers={"Cache-Control": "max-age=86400"})

    return [
        Route("/", page),
        Route("/pictures/{name}", picture),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
