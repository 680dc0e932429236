"""Downloading the platform's certificates (获取平台证书列表, GET /v3/certificates)."""

from __future__ import annotations

from typing import Any

from kesu.wechatpay.ciphers import decrypt_resource
from kesu.wechatpay.connection import Call, Connection
from kesu.wechatpay.errors import CipherError, NotFound, UnexpectedAnswer
from kesu.wechatpay.keys import Certificate, load_certificate
from kesu.wechatpay.pacing import Endpoint
from kesu.wechatpay.resources import Certificates


class CertificateCalls(Connection):
    """The certificate part of `Client`."""

    async def download_certificates(self) -> Certificates:
        """The platform's certificates in force, oldest first; none for an account in public-key mode.

        They prove themselves by opening under the APIv3 key; the answer's signature is then verified with
        them (or with keys already known). Nothing is kept: add them with `PlatformKeys.with_certificate`.
        Raises CipherError when no APIv3 key opens them, ResponseNotVerified.
        """
        call = Call(Endpoint.CERTIFICATES, "GET", "/v3/certificates", verified=False)
        try:
            answer = await self.call(call)
        except NotFound:
            return Certificates((), None)
        rows = answer.json().get("data")
        if not isinstance(rows, list):
            raise UnexpectedAnswer("the answer holds no certificates")
        opened = sorted((self._open(row) for row in rows), key=lambda certificate: certificate.not_before)
        known = self.platform_keys
        for certificate in opened:
            known = known.with_certificate(certificate)
        answered_at = await self.verify(call, answer.headers, answer.body, keys=known)
        return Certificates(tuple(opened), answered_at)

    def _open(self, row: Any) -> Certificate:
        try:
            sealed = row["encrypt_certificate"]
            ciphertext, nonce = str(sealed["ciphertext"]), str(sealed["nonce"])
            associated_data = str(sealed.get("associated_data") or "")
        except (KeyError, TypeError, AttributeError):
            raise UnexpectedAnswer("a certificate row is malformed") from None
        for key in self.credentials.apiv3_keys:
            try:
                pem = decrypt_resource(key, ciphertext, nonce=nonce, associated_data=associated_data)
            except CipherError:
                continue
            try:
                return load_certificate(pem)
            except ValueError:
                raise UnexpectedAnswer("a certificate cannot be read") from None
        raise CipherError("no APIv3 key of this account opens the platform's certificates")
