"""Pictures: what merchants uploaded (bytes on disk, or in memory), and what payers attached (drawn on demand).

The address of a picture is opaque base64, percent-encoded, and holds `%2F` and often `%3D`, as the real ones
do: whoever normalises the path breaks the request's signature (PHP SDK, DownloadTest.php).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from urllib.parse import quote, unquote

from kesu.sandbox.errors import no_authority, not_found

PATH = "/v3/merchant-service/images/"
HISTORY_URL_LIFE = timedelta(hours=1)

# With this prefix the base64 of any address has a "/" in it.
_PREFIX = b"wx?"
_SIZE = 120


@dataclass(frozen=True)
class PictureAddress:
    """What an opaque media id means. kind: `payer` or `upload`. `expires`: Unix seconds, 0 for never."""

    kind: str
    complaint_id: str
    name: str
    expires: int = 0

    def path(self) -> str:
        """The percent-encoded path, as it stands in `media_url`."""
        text = "|".join((self.kind, self.complaint_id, self.name, str(self.expires)))
        return PATH + quote(base64.b64encode(_PREFIX + text.encode()).decode("ascii"), safe="")

    @classmethod
    def read(cls, raw_path: str) -> PictureAddress:
        """Raises PlatformError 403 for an id that is not of a query (an own upload's), 404 for nonsense."""
        media_id = unquote(raw_path.removeprefix(PATH))
        if media_id.startswith(UPLOAD_PREFIX):
            raise no_authority("上传图片返回的media_id不支持下载")
        try:
            text = base64.b64decode(media_id, validate=True).removeprefix(_PREFIX).decode()
            kind, complaint_id, name, expires = text.split("|")
            return cls(kind, complaint_id, name, int(expires))
        except (binascii.Error, ValueError):
            raise not_found("图片不存在") from None

    def check_alive(self, now: datetime) -> None:
        """image_list addresses die after an hour (FAQ-C Q6)."""
        if self.expires and now.timestamp() > self.expires:
            raise no_authority("图片链接已过期, 请重新查询协商历史")


UPLOAD_PREFIX = "BB04"


class PictureStore:
    """Uploaded bytes by their SHA-256; in files when there is a directory."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory / "pictures" if directory else None
        self._memory: dict[str, bytes] = {}

    def put(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        if self._directory is None:
            self._memory[digest] = content
        else:
            self._directory.mkdir(exist_ok=True)
            (self._directory / digest).write_bytes(content)
        return digest

    def get(self, digest: str) -> bytes:
        if self._directory is None:
            return self._memory[digest]
        return (self._directory / digest).read_bytes()


def draw(name: str) -> bytes:
    """The picture a payer took, as a PNG: always the same for the same name, different for another one."""
    random = Random(name)  # noqa: S311
    top, bottom = ([random.randrange(60, 230) for _ in range(3)] for _ in range(2))
    ink = bytes(random.randrange(0, 70) for _ in range(3))
    boxes = [
        (random.randrange(_SIZE), random.randrange(_SIZE), random.randrange(8, 60), random.randrange(3, 14))
        for _ in range(9)
    ]
    rows = []
    for y in range(_SIZE):
        shade = bytes(a + (b - a) * y // _SIZE for a, b in zip(top, bottom, strict=True))
        row = bytearray(shade * _SIZE)
        for left, upper, width, height in boxes:
            if upper <= y < upper + height:
                right = min(_SIZE, left + width)
                row[left * 3 : right * 3] = ink * (right - left)
        rows.append(b"\0" + bytes(row))
    header = struct.pack(">IIBBBBB", _SIZE, _SIZE, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
