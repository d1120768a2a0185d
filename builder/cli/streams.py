"""The output streams of this process: the same bytes on every host, and no error when nobody reads them any more."""

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import TextIO

from builder.base import windows


def prepare() -> None:
    """Make the streams of this process those of a program that others read, before anything is written."""
    steady(sys.stdout)
    steady(sys.stderr)


def steady(stream: object) -> None:
    """Let a stream of this process have the same bytes on every host: UTF-8 and line feeds, whatever the locale.

    A terminal keeps its encoding: what that lacks is shown as an escape.
    """
    if not isinstance(stream, io.TextIOWrapper):  # there may be none, and tests have others
        return
    if stream.isatty():
        stream.reconfigure(errors="backslashreplace")
    else:
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")


def tell(text: str) -> None:
    """Write to stderr: the one of this moment, since tests replace it. The work goes on if nobody reads it any more."""
    try:
        with one_broken_pipe():
            sys.stderr.write(text)
            sys.stderr.flush()
    except BrokenPipeError:
        discard(sys.stderr)


def flush() -> None:
    """Write what stdout holds back. Raises BrokenPipeError if nobody reads it any more."""
    with one_broken_pipe():
        if sys.stdout is not None:  # `>&-` closes it
            sys.stdout.flush()


@contextlib.contextmanager
def stop_if_unread() -> Iterator[None]:
    """Raise BrokenPipeError if nobody reads what a command prints in the block, or click for it."""
    stdout, stderr = sys.stdout, sys.stderr
    try:
        yield
    except SystemExit as stop:
        if sys.stdout is stdout:
            raise
        sys.stdout, sys.stderr = stdout, stderr  # click ends with 1 after it has put others there
        raise BrokenPipeError from stop
    except OSError:
        flush()  # raises BrokenPipeError if that was it: the error of Windows may mean anything
        raise


def discard(stream: TextIO) -> None:
    """Let what a stream still holds, and all that follows, go nowhere, because nobody reads it."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


@contextlib.contextmanager
def one_broken_pipe() -> Iterator[None]:
    """Raise the same error on every system when nobody reads a stream any more."""
    try:
        yield
    except OSError as error:
        if not windows.is_closed(error):
            raise
        raise BrokenPipeError from error
