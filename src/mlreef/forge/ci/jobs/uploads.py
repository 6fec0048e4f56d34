"""Multipart bodies as a stream: one file part goes on chunk by chunk, small fields are collected beside it.

Runners send artifacts chunked and without a length, so nothing here waits for the whole body.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from mlreef.kit.errors import invalid

MAX_FIELDS = 64 << 10


class Upload:
    """One multipart body with a part named `file`."""

    def __init__(self, content_type: str) -> None:
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise invalid("file is missing: a multipart/form-data body is needed")
        self.fields: dict[str, str] = {}
        self.filename: str | None = None
        self._name = ""
        self._is_file = False
        self._header = (b"", b"")
        self._field = bytearray()
        self._small = 0
        self._ready: list[bytes] = []
        self._ended = False
        callbacks: dict[str, Any] = {
            "on_part_begin": self._part_begin,
            "on_header_field": lambda data, start, end: self._header_more(data[start:end], b""),
            "on_header_value": lambda data, start, end: self._header_more(b"", data[start:end]),
            "on_header_end": self._header_end,
            "on_part_data": lambda data, start, end: self._part_data(data[start:end]),
            "on_part_end": self._part_end,
            "on_end": self._end,
        }
        self._parser = MultipartParser(boundary, callbacks)  # type: ignore[arg-type]

    async def file_chunks(self, stream: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        """The bytes of the file part; reads the whole body, so that fields after the file are known as well."""
        try:
            async for chunk in stream:
                self._parser.write(chunk)
                ready, self._ready = self._ready, []
                for piece in ready:
                    yield piece
        except FormParserError as exc:
            raise invalid(f"the multipart body is not valid: {exc}") from exc
        if not self._ended or self.filename is None:
            raise invalid("file is missing, or the body ended before its closing boundary; send it again")

    def _part_begin(self) -> None:
        self._name, self._is_file, self._header = "", False, (b"", b"")
        self._field.clear()

    def _header_more(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value))
        self._header = (self._header[0] + name, self._header[1] + value)

    def _header_end(self) -> None:
        name, value = self._header
        self._header = (b"", b"")
        if name.lower() != b"content-disposition":
            return
        _kind, options = parse_options_header(value)
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        if self._name == "file":
            if self.filename is not None:
                raise invalid("only one file part is allowed")
            self._is_file = True
            filename = options.get(b"filename", b"artifacts.zip").decode("utf-8", "replace")
            self.filename = clean_filename(filename)

    def _part_data(self, data: bytes) -> None:
        if self._is_file:
            self._ready.append(data)
            return
        self._count(len(data))
        self._field += data

    def _part_end(self) -> None:
        if not self._is_file and self._name:
            self.fields[self._name] = self._field.decode("utf-8", "replace")

    def _end(self) -> None:
        self._ended = True

    def _count(self, size: int) -> None:
        self._small += size
        if self._small > MAX_FIELDS:
            raise invalid(f"the multipart fields are larger than {MAX_FIELDS} bytes")


def clean_filename(name: str) -> str:
    """A name without any path, fit for a Content-Disposition header."""
    last = name.replace("\\", "/").rsplit("/", maxsplit=1)[-1]
    kept = "".join(char for char in last if char.isprintable() and char not in '"<>:|?*')
    return kept[:200].strip(". ") or "artifacts.zip"
