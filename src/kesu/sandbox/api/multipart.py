"""Reads the parts of a multipart body, as raw bytes."""

from __future__ import annotations

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from kesu.sandbox.errors import parameter_error


class _Collector:
    """The parser's callbacks: names and contents of the parts."""

    def __init__(self) -> None:
        self.parts: dict[str, bytes] = {}
        self._field = self._value = b""
        self._headers: dict[bytes, bytes] = {}
        self._content = b""

    def on_part_begin(self) -> None:
        self._headers, self._content = {}, b""

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def on_header_end(self) -> None:
        self._headers[self._field.lower()] = self._value
        self._field = self._value = b""

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        self._content += data[start:end]

    def on_part_end(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self.parts[options.get(b"name", b"").decode("utf-8", "replace")] = self._content


def parts_of(content_type: str, body: bytes) -> dict[str, bytes]:
    """name -> content. A header without a boundary is forgiven, because SDKs in the wild send it so: the
    boundary is then taken from the body's first line. Raises PlatformError PARAM_ERROR."""
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data":
        raise parameter_error("Content-Type应为multipart/form-data")
    boundary = options.get(b"boundary") or body.split(b"\r\n", 1)[0].removeprefix(b"--")
    collector = _Collector()
    names = ("part_begin", "part_data", "part_end", "header_field", "header_value", "header_end")
    callbacks = {f"on_{name}": getattr(collector, f"on_{name}") for name in names}
    try:
        parser = MultipartParser(boundary, callbacks)  # type: ignore[arg-type]
        parser.write(body)
        parser.finalize()
    except (FormParserError, ValueError):
        raise parameter_error("multipart请求体格式错误") from None
    return collector.parts
