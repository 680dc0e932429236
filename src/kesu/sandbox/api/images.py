"""反馈图片上传 and 图片请求. An upload signs only its `meta`; a download is answered without a signature."""

from __future__ import annotations

import base64
import hashlib

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kesu.sandbox import schemas
from kesu.sandbox.api.gate import Call, Gate, checked_json, target
from kesu.sandbox.api.multipart import parts_of
from kesu.sandbox.errors import no_authority, not_found, parameter_error
from kesu.sandbox.pictures import PATH, UPLOAD_PREFIX, PictureAddress, draw
from kesu.sandbox.state import Upload

LARGEST = 2 * 1024 * 1024
_MAGIC = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"BM": "image/bmp"}


def routes(gate: Gate) -> list[Route]:
    return [
        gate.route("POST", PATH + "upload", "upload", upload, signed_part=_meta),
        gate.route("GET", PATH + "{media_id:path}", "download", download, answer_is_signed=False),
    ]


async def upload(call: Call) -> dict[str, str]:
    """JPG, BMP, PNG up to 2 MB whose SHA-256 is the one in `meta` (UP-25)."""
    parts = parts_of(call.request.headers.get("content-type", ""), call.body)
    meta = checked_json(parts.get("meta", b""), schemas.IMAGE_META)
    content = parts.get("file", b"")
    if not content:
        raise parameter_error("缺少图片文件")
    if len(content) > LARGEST:
        raise parameter_error("图片大小不能超过2M")
    kind = next((kind for magic, kind in _MAGIC.items() if content.startswith(magic)), None)
    if kind is None:
        raise parameter_error("图片仅支持JPG, BMP, PNG格式")
    if hashlib.sha256(content).hexdigest() != meta["sha256"].lower():
        raise parameter_error("图片的sha256值与meta中的不一致")
    digest = call.platform.pictures.put(content)
    number = call.platform.number("8", call.now)
    media_id = UPLOAD_PREFIX + base64.b64encode(f"{number}~{digest[:24]}".encode()).decode("ascii")
    call.platform.state.uploads[media_id] = Upload(media_id, call.account.mchid, digest, kind)
    return {"media_id": media_id}


async def download(call: Call) -> Response:
    """A payer's picture, or one in a history for an hour. Never an upload's own id (UP-25)."""
    address = PictureAddress.read(target(call.request))
    address.check_alive(call.now)
    complaint = call.platform.complaint_of(call.account, address.complaint_id, "下载该图片")
    if address.kind == "payer":
        if address.name not in complaint.pictures:
            raise not_found("图片不存在")
        return Response(draw(address.name), media_type="image/png")
    stored = call.platform.state.uploads.get(address.name)
    shown = any(address.name in entry.pictures for entry in complaint.history)
    if stored is None or not shown:
        raise no_authority("您暂无权限下载该图片")
    return Response(call.platform.pictures.get(stored.digest), media_type=stored.content_type)


async def _meta(request: Request) -> bytes:
    """The signature covers the text of `meta` as it was sent, not the multipart body."""
    parts = parts_of(request.headers.get("content-type", ""), await request.body())
    if "meta" not in parts:
        raise parameter_error("缺少meta信息")
    return parts["meta"]
