"""Uploading and downloading a complaint's pictures (图片上传, 图片请求接口)."""

from __future__ import annotations

import secrets

from kesu.wechatpay.connection import Call, Connection
from kesu.wechatpay.errors import UnexpectedAnswer
from kesu.wechatpay.media import IMAGES_PATH, LARGEST_DOWNLOAD, image_target, upload_form
from kesu.wechatpay.pacing import Endpoint
from kesu.wechatpay.resources import Image


class ImageCalls(Connection):
    """The picture part of `Client`."""

    async def upload_image(self, filename: str, content: bytes) -> str:
        """Upload a JPG, PNG or BMP of at most 2 MB: its media_id, for replies. It cannot be downloaded again.

        The name is made plain ASCII with the ending that fits the content. Raises MediaRefused.
        """
        boundary = secrets.token_hex(16)
        meta, body = upload_form(filename, content, boundary=boundary)
        answer = await self.call(
            Call(
                Endpoint.UPLOAD,
                "POST",
                f"{IMAGES_PATH}upload",
                body,
                signed_body=meta,
                content_type=f"multipart/form-data; boundary={boundary}",
            )
        )
        media_id = answer.json().get("media_id")
        if not isinstance(media_id, str) or not media_id:
            raise UnexpectedAnswer("the upload's answer has no media_id")
        return media_id

    async def download_image(self, media_url: str) -> Image:
        """Fetch a picture by the `media_url` of a complaint or a history entry (it lives for an hour).

        The host in the URL is ignored and the path is signed byte for byte. The platform does not sign these
        answers: treat the bytes as a stranger's. Raises MediaRefused for any path but the platform's images.
        """
        answer = await self.call(
            Call(
                Endpoint.DOWNLOAD,
                "GET",
                image_target(media_url),
                accept="*/*",
                verified=False,
                largest_answer=LARGEST_DOWNLOAD,
            )
        )
        return Image(answer.body, answer.headers.get("content-type", ""))
