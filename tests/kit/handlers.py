"""Handlers for servers on loopback, which write no log."""

from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler


class AnsweringHandler(BaseHTTPRequestHandler):
    """Answers as the methods of a subclass say."""

    def answer(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
        """Send a response; one to a HEAD request without its body."""
        self.send_response(status)
        for name, value in (*headers, ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


class FolderHandler(SimpleHTTPRequestHandler):
    """Serves a folder."""

    def log_message(self, *_: object) -> None:
        return
