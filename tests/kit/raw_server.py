"""A server on loopback that sends bytes exactly as a test writes them, or misbehaves as a function of the test does."""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

Answer = bytes | Callable[[socket.socket], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """One request as it came."""

    line: str
    headers: dict[str, str]
    """Names in lower case."""

    @property
    def target(self) -> str:
        return self.line.split(" ")[1]


@dataclass
class RawServer:
    """Answers each request with the next of its answers; the last one is given for ever."""

    answers: list[Answer]
    url: str = ""
    keep: bool = False
    """Whether a connection takes further requests."""
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    tls: ssl.SSLContext | None = None

    def serve(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):  # it was closed
            while True:
                connection, _ = listener.accept()
                self.connections += 1
                threading.Thread(target=self._connected, args=(connection,), daemon=True).start()

    def _connected(self, plain: socket.socket) -> None:
        with contextlib.suppress(OSError), plain:
            plain.settimeout(20)
            connection = self.tls.wrap_socket(plain, server_side=True) if self.tls else plain
            with connection:
                while asked := _request(connection):
                    answer = self.answers[min(len(self.asked), len(self.answers) - 1)]
                    self.asked.append(asked)
                    if isinstance(answer, bytes):
                        connection.sendall(answer)
                    else:
                        answer(connection)
                    if not self.keep:
                        break


def _request(connection: socket.socket) -> Asked | None:
    data = b""
    while b"\r\n\r\n" not in data:
        block = connection.recv(4096)
        if not block:
            return None
        data += block
    first, *lines = data.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    pairs = (line.partition(": ")[::2] for line in lines)
    return Asked(line=first, headers={name.lower(): value for name, value in pairs})


@contextmanager
def answering(*answers: Answer, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> Iterator[RawServer]:
    """Run a server; `host` is the address of this machine that it listens at."""
    with socket.create_server((host, 0)) as listener:
        scheme = "https" if tls else "http"
        server = RawServer(answers=list(answers), url=f"{scheme}://{host}:{listener.getsockname()[1]}", tls=tls)
        thread = threading.Thread(target=server.serve, args=(listener,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # ends accept()
            thread.join(5)


def response(body: bytes = b"", *headers: str, status: str = "200 OK") -> bytes:
    """Return a whole response with its length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    """Return a response in chunks."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n" for chunk in chunks) + end


def endless(head: bytes, block: bytes, pause: float = 0.0) -> Callable[[socket.socket], None]:
    """Return an answer that sends a block again and again until the client has gone."""

    def send(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(block)
            time.sleep(pause)

    return send
