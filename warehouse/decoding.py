"""Bytes of a text file → its characters: compression, encodings, and what is wrong where they do not decode.

A file that is not what the configuration says is named as what it looks like, with the cure: no guess is taken
silently.
"""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, cast

from warehouse.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["MAX_BYTES", "encoding_of", "looks_like", "open_text"]

MAX_BYTES = 20 * 2**30  # decompressed: a zip bomb stops here, a year of a large shop's sales does not
_SAMPLE = 1 << 20
_MAGIC = {
    b"PK\x03\x04": "an Excel workbook or a zip archive: save it as CSV (UTF-8)",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook: save it as CSV (UTF-8)",
    b"PAR1": "a Parquet file: name it .parquet",
}
_NAMES = {
    "gb18030": "GB18030 (GBK, the Chinese Windows encoding)",
    "utf-16": "UTF-16 (Excel's 'Unicode text')",
    "cp1252": "Windows-1252 (Western European, close to Latin-1)",
}


class _Limited(io.RawIOBase):
    """A binary stream that ends with an error, not with the memory, where more than `limit` bytes come out of it."""

    def __init__(self, inner: IO[bytes], *, name: str, limit: int) -> None:
        self._inner, self._name, self._limit, self._seen = inner, name, limit, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # a private protocol
        block = self._inner.read(len(buffer))
        self._seen += len(block)
        if self._seen > self._limit:
            msg = f"{self._name}: more than {self._limit:,} bytes when decompressed; split the file"
            raise InputError(msg)
        buffer[: len(block)] = block
        return len(block)


def _binary(path: Path) -> IO[bytes]:
    with path.open("rb") as raw:
        gzipped = raw.read(2) == b"\x1f\x8b"
    return cast("IO[bytes]", gzip.GzipFile(path, "rb")) if gzipped else path.open("rb")


def looks_like(sample: bytes) -> str:
    """Return the encoding that a sample of a file looks like: utf-8 (damaged, it may be), utf-16, gb18030 or cp1252.

    GB18030 is told from Western European by its pairs: in Chinese text nearly all of them are common characters (the
    first level of GB 2312, or its punctuation), in Western European text read that way nearly none.
    """
    if (
        sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        or sample[:4000].count(0) > len(sample[:4000]) // 4
    ):
        return "utf-16"
    read = codecs.getincrementaldecoder("utf-8")("replace").decode(
        sample
    )  # the last character may be cut: it is left out
    bad = read.count("\ufffd")
    if bad == 0 or sum(character > "\x7f" for character in read) > 3 * bad:  # bad ones are among those counted
        return "utf-8"
    return "gb18030" if _common_chinese_share(sample) > 0.7 else "cp1252"


def encoding_of(path: Path) -> str:
    """Return the encoding that the first mebibyte of a text file (`.gz` or not) looks like.

    Raises:
        OSError, EOFError, zlib.error: it cannot be read or decompressed.
    """
    with _binary(path) as stream:
        return looks_like(stream.read(_SAMPLE))


def _common_chinese_share(sample: bytes) -> float:
    """Share of the bytes above ASCII that form pairs of common Chinese characters or punctuation."""
    pairs = common = at = 0
    while at < len(sample) - 1:
        lead, trail = sample[at], sample[at + 1]
        if lead < 0x80:
            at += 1
            continue
        pairs += 1
        common += (0xB0 <= lead <= 0xD7 or 0xA1 <= lead <= 0xA3) and 0xA1 <= trail <= 0xFE
        at += 2
    return common / max(pairs, 1)


def _wrong_encoding(path: Path, *, name: str, encoding: str) -> InputError:
    """Say in which line the file is not what it should be, and what it looks like."""
    with _binary(path) as stream:
        sample, line = _around_the_fault(stream, encoding)
    likely = looks_like(sample)
    where = f"{name} line {line}: not {encoding}"
    if codecs.lookup(likely).name == codecs.lookup(encoding).name:
        return InputError(
            f"{where}, though most of the file is; its bytes are damaged or from two sources: export it again"
        )
    if likely == "utf-8":
        return InputError(
            f"{where}; it looks like UTF-8: take the key encoding out of shop.toml, or save the file anew"
        )
    return InputError(
        f"{where}; it looks like {_NAMES[likely]}: "
        f'set encoding = "{likely}" at the top of shop.toml, or save the file as UTF-8'
    )


def _around_the_fault(stream: IO[bytes], encoding: str) -> tuple[bytes, int]:
    """The mebibyte in which the first fault stands (the first one where none is found), and the line of the fault."""
    first = block = stream.read(_SAMPLE)
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    line = 1
    while block:
        try:
            decoder.decode(block)
        except UnicodeDecodeError as error:
            return block, line + error.object[: error.start].count(b"\n")
        line += block.count(b"\n")
        block = stream.read(_SAMPLE)
    return first, line


def _encoding_of(head: bytes, encoding: str) -> str:
    """A byte order mark speaks for its own file, whatever the folder's encoding."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-8-sig" if head.startswith(codecs.BOM_UTF8) else encoding


@contextmanager
def open_text(path: Path, *, name: str, encoding: str) -> Iterator[Iterator[str]]:
    """Yield the lines of a text file (`.gz` or not), each with its end: CR, LF or both.

    Whatever the bytes do wrong, while the lines are read, is an `InputError` that names the file (`name`) and the cure.
    """
    try:
        codecs.lookup(encoding)
    except LookupError:
        msg = f'unknown encoding {encoding!r}; Python knows, for example, "utf-8", "gb18030", "cp1252" and "utf-16"'
        raise InputError(msg) from None
    try:
        with _binary(path) as stream:
            buffered = io.BufferedReader(_Limited(stream, name=name, limit=MAX_BYTES), buffer_size=1 << 18)
            head = buffered.peek(4)[:4]
            for magic, what in _MAGIC.items():
                if head.startswith(magic):
                    raise InputError(f"{name}: this is {what}")
            text = io.TextIOWrapper(buffered, encoding=_encoding_of(head, encoding), errors="strict", newline="")
            yield _lines(text, path=path, name=name, encoding=encoding)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{name}: the gzip file is truncated or damaged ({error}); copy it again") from error


def _lines(text: io.TextIOWrapper, *, path: Path, name: str, encoding: str) -> Iterator[str]:
    try:
        for at, line in enumerate(text):
            if at == 0 and "\0" in line and looks_like(line.encode("latin-1", "replace")) == "utf-16":
                raise _wrong_encoding(path, name=name, encoding=encoding)
            yield line
    except UnicodeError:
        raise _wrong_encoding(path, name=name, encoding=encoding) from None
