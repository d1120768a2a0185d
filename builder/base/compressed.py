"""Compressed files as streams, within limits: what the libraries offer takes any memory, or reads all at once."""

import io
import lzma
from typing import IO, Any

_MOST_WINDOW = 128 << 20
"""Bytes that unpacking may take: twice what `xz -9` needs."""
_TOO_LARGE = ("Memory usage limit", "too much memory")
"""What liblzma and Zstandard say of a file that needs more; neither has an error of its own for that."""


def needs_too_much(error: Exception) -> bool:
    """Tell whether a file is good, and only needs more memory than it is given here."""
    return any(words in str(error) for words in _TOO_LARGE)


class Xz(io.RawIOBase):
    """The content of an xz or lzma file, for which no more memory than `_MOST_WINDOW` is taken.

    `lzma` has no such file.
    """

    def __init__(self, packed: IO[bytes], form: int = lzma.FORMAT_XZ) -> None:
        self._packed, self._at, self._form = packed, 0, form
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


class Zstd(io.RawIOBase):
    """The content of a file that Zstandard packed."""

    def __init__(self, packed: IO[bytes]) -> None:
        import zstandard

        decoder = zstandard.ZstdDecompressor(max_window_size=_MOST_WINDOW)
        self._stream = decoder.stream_reader(packed, read_across_frames=True, closefd=False)
        self._error = zstandard.ZstdError

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
