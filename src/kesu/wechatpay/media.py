"""Images: what the platform takes, and which URLs are the platform's.

Sources: 图片上传 https://pay.weixin.qq.com/doc/v3/partner/4012467222 (JPG, BMP or PNG, 2 MB, filename of at most
128 characters that ends so), 图片请求接口 .../apis/consumer-complaint/images/query-images.html.
"""

from __future__ import annotations

import hashlib
import json
import re
from urllib.parse import unquote

from kesu.wechatpay.errors import MediaRefused

LARGEST_UPLOAD = 2 * 1024 * 1024
LARGEST_DOWNLOAD = 20 * 1024 * 1024
IMAGES_PATH = "/v3/merchant-service/images/"
MIME_TYPES = {"jpg": "image/jpeg", "png": "image/png", "bmp": "image/bmp"}

_SIGNATURES = ((b"\xff\xd8\xff", "jpg"), (b"\x89PNG\r\n\x1a\n", "png"), (b"BM", "bmp"))
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_ORIGIN = re.compile(r"https?://[^/?#]+", re.IGNORECASE)
_TARGET = re.compile(r"[!-~]+")


def image_type(content: bytes) -> str | None:
    """`jpg`, `png` or `bmp` by the first bytes; None for anything else (a name proves nothing)."""
    return next((kind for head, kind in _SIGNATURES if content.startswith(head)), None)


def check_upload(filename: str, content: bytes) -> tuple[str, str]:
    """The (safe filename, type) to upload under. The name becomes plain ASCII and ends as the content is.

    Raises MediaRefused for an empty or too large file and for other types.
    """
    kind = image_type(content)
    if kind is None:
        raise MediaRefused("the image is neither JPG, PNG nor BMP")
    if len(content) > LARGEST_UPLOAD:
        raise MediaRefused(f"the image has {len(content)} bytes; at most {LARGEST_UPLOAD} are allowed")
    stem = _UNSAFE.sub("_", filename.rpartition(".")[0] or filename).strip("._-")[:100]
    return f"{stem or 'image'}.{kind}", kind


def upload_form(filename: str, content: bytes, *, boundary: str) -> tuple[bytes, bytes]:
    """(meta, multipart body). The signature covers `meta` exactly as it stands in the body, and nothing else.
    Raises MediaRefused."""
    name, kind = check_upload(filename, content)
    meta = json.dumps({"filename": name, "sha256": hashlib.sha256(content).hexdigest()}).encode()
    body = b"".join(
        (
            f"--{boundary}\r\n".encode(),
            b'Content-Disposition: form-data; name="meta"\r\nContent-Type: application/json\r\n\r\n',
            meta,
            f"\r\n--{boundary}\r\n".encode(),
            f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n'.encode(),
            f"Content-Type: {MIME_TYPES[kind]}\r\n\r\n".encode(),
            content,
            f"\r\n--{boundary}--\r\n".encode(),
        )
    )
    return meta, body


def image_target(media_url: str) -> str:
    """The request target (path and query) of a picture's URL, byte for byte: escapes such as %2F and %3D stay
    as they are, because the platform signs and compares them so. The host is dropped.

    Raises MediaRefused unless the path is one of the platform's own image paths.
    """
    target = _ORIGIN.sub("", media_url, count=1) if _ORIGIN.match(media_url) else media_url
    target = target.partition("#")[0]
    path = target.partition("?")[0]
    name = path.removeprefix(IMAGES_PATH)
    if name == path or name in ("", "upload") or not _TARGET.fullmatch(target) or "\\" in target:
        raise MediaRefused("the URL is not one of the platform's images")
    if any(segment in (".", "..") for segment in unquote(path).split("/")):
        raise MediaRefused("the URL climbs out of the platform's images")
    return target
