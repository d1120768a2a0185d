"""Compressed files as streams, within limits: what the libraries offer takes any memory, or reads all at once."""

import contextlib
import io
import lzma
from collections.abc import Iterator
from typing import IO, Any

_MOST_WINDOW = 128 << 20
"""Bytes that unpacking may take: twice what `xz -9` needs."""
_FRAME_HEAD = 18
"""Bytes of the longest header of a frame of Zstandard (RFC 8878, 3.1.1)."""
_BLOCKS, _SIZES, _LZMA2 = 12, (0x40, 0x80), 0x21
"""Of an xz file: where its first block begins, the flags of sizes that a block may have, and the filter that packs."""


class LargeWindowError(ValueError):
    """A file may be good, and needs more memory than it is given here."""

    def __init__(self, window: int) -> None:
        super().__init__(f"unpacking it takes {window >> 20} MB of memory")


def _refuse(window: int) -> None:
    if window >= _MOST_WINDOW:
        raise LargeWindowError(window)


def _window(head: bytes, form: int) -> int:
    """Return the dictionary, in bytes, that an lzma file or the first block of an xz file asks for; 0 if none is found.

    lzma-file-format.txt, 1.1; xz-file-format.txt 1.2.1, 3.1 and 5.3.1.
    """
    if form == lzma.FORMAT_ALONE:
        return int.from_bytes(head[1:5], "little")
    block = iter(head[_BLOCKS + 1 : _BLOCKS + 1024])
    try:
        flags = next(block)
        for _ in filter(flags.__and__, _SIZES):
            _number(block)
        while _number(block) != _LZMA2:
            for _ in range(_number(block)):
                next(block)
        _number(block)
        bits = next(block) & 0x3F
    except StopIteration:
        return 0
    return (2 | bits & 1) << bits // 2 + 11


def _number(block: Iterator[int]) -> int:
    """Read a number of seven bits in each byte."""
    found = shift = 0
    while (byte := next(block)) & 0x80:
        found |= (byte & 0x7F) << shift
        shift += 7
    return found | byte << shift


class Xz(io.RawIOBase):
    """The content of an xz or lzma file, for which no more memory than `_MOST_WINDOW` is taken.

    `lzma` has no such file.
    """

    def __init__(self, packed: IO[bytes], form: int = lzma.FORMAT_XZ) -> None:
        self._packed, self._at, self._form = packed, 0, form
        self._fresh = True
        self._stream = self._next()

    def _next(self) -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(self._form, memlimit=_MOST_WINDOW)

    def readinto(self, buffer: Any, /) -> int:  # noqa: ANN401
        data = b""
        while not data:
            packed = self._packed.read(1 << 16) if self._stream.eof or self._stream.needs_input else b""
            if self._stream.eof:  # streams may follow each other, with zeros between them
                packed = (self._stream.unused_data + packed).lstrip(b"\0")
                if not packed or self._form == lzma.FORMAT_ALONE:  # one stream, whatever follows
                    return 0
                self._stream = self._next()
            elif self._stream.needs_input and not packed:
                raise EOFError
            if self._fresh:
                _refuse(_window(packed, self._form))
                self._fresh = False
            data = self._stream.decompress(packed, len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        if whence == io.SEEK_CUR:
            offset += self._at
        if offset < self._at:
            self._packed.seek(0)
            self._stream, self._at = self._next(), 0
        while self._at < offset and self.read(min(offset - self._at, 1 << 16)):
            pass
        return self._at

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True


class _Begun(io.RawIOBase):
    """A stream of which the beginning was read before."""

    def __init__(self, head: bytes, rest: IO[bytes]) -> None:
        self._head, self._rest = head, rest

    def readinto(self, buffer: Any, /) -> int:  # noqa: ANN401
        data, self._head = self._head, b""
        data = data or self._rest.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def readable(self) -> bool:
        return True


class Zstd(io.RawIOBase):
    """The content of a file that Zstandard packed."""

    def __init__(self, packed: IO[bytes]) -> None:
        import zstandard

        decoder = zstandard.ZstdDecompressor(max_window_size=_MOST_WINDOW)
        self._error = zstandard.ZstdError
        head = packed.read(_FRAME_HEAD)
        with contextlib.suppress(self._error):  # told when the file is read
            _refuse(zstandard.get_frame_parameters(head).window_size)
        self._stream = decoder.stream_reader(
            io.BufferedReader(_Begun(head, packed), 1 << 16), read_across_frames=True, closefd=False
        )

    def readinto(self, buffer: Any, /) -> int:  # noqa: ANN401
        try:
            return self._stream.readinto(buffer)
        except self._error as error:
            raise ValueError(str(error)) from None

    def readable(self) -> bool:
        return True


class Brotli(io.RawIOBase):
    """The content of a file that Brotli packed."""

    def __init__(self, packed: IO[bytes]) -> None:
        import brotli

        self._packed, self._decoder, self._error = packed, brotli.Decompressor(), brotli.error
        self._left = b""

    def readinto(self, buffer: Any, /) -> int:  # noqa: ANN401
        while not self._left and not self._decoder.is_finished():
            packed = self._packed.read(1 << 16) if self._decoder.can_accept_more_data() else b""
            try:
                self._left = self._decoder.process(packed, output_buffer_limit=len(buffer))
            except self._error as error:
                raise ValueError(str(error)) from None
            if not (packed or self._left or self._decoder.is_finished()):
                raise EOFError
        data, self._left = self._left[: len(buffer)], self._left[len(buffer) :]
        buffer[: len(data)] = data
        return len(data)

    def readable(self) -> bool:
        return True
