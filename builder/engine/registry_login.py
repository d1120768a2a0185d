"""Logins and tokens for a registry: those of `docker login`, and the tokens that it gives for them."""

import dataclasses
import json
import re
import threading
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import field
from urllib.parse import urlencode

from builder.base.frozen import dataclass
from builder.base.http import Reply

_PARAMETER = re.compile(r'(\w+)="([^"]*)"')
_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")

Asking = Callable[[str, str], Reply]
"""Sends a GET request for a URL with an `Authorization` header, which may be empty."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Challenge:
    """What a registry asks for in the `WWW-Authenticate` header of a refusal (RFC 9110, 11.6.1)."""

    scheme: str
    parameters: Mapping[str, str]

    @classmethod
    def of(cls, reply: Reply) -> "Challenge | None":
        value = reply.headers.get("WWW-Authenticate", "")
        scheme, _, rest = value.partition(" ")
        return cls(scheme=scheme.lower(), parameters=dict(_PARAMETER.findall(rest))) if scheme else None

    def address(self, path: str) -> str | None:
        """Return the address of the token to pull an image; None if the registry names none."""
        realm = self.parameters.get("realm", "")
        if self.scheme != "bearer" or not realm.startswith(("https://", "http://")):
            return None
        scope = self.parameters.get("scope") or f"repository:{path}:pull"
        query = {"service": self.parameters.get("service", ""), "scope": scope}
        return (
            f"{realm}{'&' if '?' in realm else '?'}{urlencode({name: value for name, value in query.items() if value})}"
        )


@dataclasses.dataclass(slots=True)
class Login:
    """The authorization for one registry. Tokens are kept as long as the command runs, a new one after a refusal."""

    basic: str
    """`Authorization` header of the user's login; empty without one."""
    stale: bool = False
    """Whether the registry refused the login, so that it is asked without."""
    _tokens: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def header(self, path: str) -> str:
        """Return the authorization for the manifests of an image; empty before the registry asked for one."""
        return self._tokens.get(path, "")

    def answer(self, path: str, sent: str, reply: Reply, ask: Asking) -> str | None:
        """Return another authorization than was sent, after a refusal; None if there is none."""
        challenge = Challenge.of(reply)
        if challenge is None:
            return None
        with self._lock:
            if (meanwhile := self._tokens.get(path, "")) != sent:
                return meanwhile
            if challenge.scheme == "basic":
                found = self.basic or None
            else:
                address = challenge.address(path)
                found = self._token(address, ask) if address else None
            if found is None or found == sent:
                return None
            self._tokens[path] = found
        return found

    def _token(self, address: str, ask: Asking) -> str | None:
        """Return a token, for the login if there is one, else without; also if the login is out of date."""
        if self.basic and not self.stale:
            if token := _token(ask(address, self.basic)):
                return token
            self.stale = True
        return _token(ask(address, ""))


def _token(reply: Reply) -> str | None:
    try:
        document = json.loads(reply.body)
        token = document.get("token") or document.get("access_token")
    except (ValueError, AttributeError):
        return None
    return f"Bearer {token}" if isinstance(token, str) and _TOKEN.fullmatch(token) else None


def login(host: str) -> Login:
    """Return the login of `docker login` for a registry, from its file or credential helper."""
    from docker import auth
    from docker.errors import DockerException

    try:
        found = auth.resolve_authconfig(auth.load_config(), host) or {}
    except (DockerException, OSError, ValueError):  # a helper that is not there is docker's to complain about
        found = {}
    user, password = found.get("username") or found.get("Username"), found.get("password") or found.get("Password")
    return Login(basic=f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}" if user and password else "")
