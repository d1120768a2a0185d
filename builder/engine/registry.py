"""Digests of image tags, asked of their registry at the pace that it allows. Needs no engine.

The protocol is that of the OCI distribution specification 1.1: the digest is a header of the response to a HEAD request
for a manifest; a registry that wants a token names the address of its tokens in its refusal.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from builder.base import http, processes
from builder.base.errors import LayerwrightError, UnreachableError, UsageError
from builder.base.http import Reply
from builder.base.retries import Backoff, call
from builder.base.transfer import HttpError, TransferLimits
from builder.engine.registry_login import Login, login
from builder.engine.registry_pace import RegistryPace
from builder.model import images

_WORKERS = 8
_LIMITS = TransferLimits(backoff=Backoff(attempts=1), total=60, size=8 << 20, unannounced=8 << 20)
_ATTEMPTS = 3
"""For errors in passing."""
_REFUSALS = 12
"""In a row for one image, each at a slower pace: then the registry is asked another day."""
_UNAUTHORIZED, _FORBIDDEN, _MISSING, _TOO_MANY = 401, 403, 404, 429
_SUCCESS = range(200, 300)
_MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_LIMITED = re.compile(r"toomanyrequests|rate exceeded|rate limit", re.IGNORECASE)

Answered = Callable[[str, str], None]
"""Is told the path of an image and its digest, as the answers come."""
Slowed = Callable[[float], None]
"""Is told the seconds between two requests when a registry asks for fewer."""


def digests(
    paths: Sequence[str], *, answered: Answered = lambda *_: None, slowed: Slowed = lambda _: None
) -> tuple[dict[str, str], list[LayerwrightError]]:
    """Return the digests of images by path, and an error for each image whose digest is not available."""
    names = {path: images.named(path) for path in paths}
    registries = {host: _Registry(host, slowed) for host in {name.partition("/")[0] for name in names.values()}}

    def one(path: str) -> str | LayerwrightError:
        host, _, rest = names[path].partition("/")
        repository, _, tag = rest.rpartition(":")
        try:
            digest = registries[host].digest(repository, tag)
        except LayerwrightError as error:
            return error
        answered(path, digest)
        return digest

    with processes.pool(_WORKERS) as pool:
        answers = dict(zip(names, pool.map(one, names), strict=True))
    errors = [answer for answer in answers.values() if not isinstance(answer, str)]
    return {path: answer for path, answer in answers.items() if isinstance(answer, str)}, errors


@dataclass
class _Registry:
    """One registry while it is asked."""

    host: str
    slowed: Slowed
    pace: RegistryPace = field(default_factory=RegistryPace)

    def __post_init__(self) -> None:
        self.base = f"{_scheme(self.host)}://{self.host}"
        self.login: Login = login(self.host)

    def digest(self, path: str, tag: str) -> str:
        """Return the digest of a tag. Raises UsageError or UnreachableError."""
        name = f"{self.host}/{path}:{tag}"
        url = f"{self.base}/v2/{path}/manifests/{tag}"
        try:
            reply = self._authorized(url, path)
            if reply.status not in _SUCCESS:
                raise _refused(name, reply)
            found = reply.headers.get("Docker-Content-Digest", "")
        except HttpError as error:
            msg = f"{name}: the registry cannot be asked"
            raise error.translated(msg, _hint(self.host)) from error
        if not _DIGEST.fullmatch(found):
            msg = f"{name}: the registry does not return a digest"
            raise UsageError(msg, why=[f"Docker-Content-Digest is `{found[:80]}`"])
        return found

    def _authorized(self, url: str, path: str) -> Reply:
        """Return the response for a manifest, with a token where the registry wants one."""
        sent = self.login.header(path)
        reply = self._paced(url, sent, "HEAD")
        if reply.status not in {_UNAUTHORIZED, _FORBIDDEN}:
            return reply
        secret = self.login.answer(path, sent, reply, lambda address, own: self._paced(address, own, "GET"))
        return self._paced(url, secret, "HEAD") if secret else reply

    def _paced(self, url: str, secret: str, method: str) -> Reply:
        """Return the response to a request that the registry has time for; the last refusal if it never has."""
        for remaining in reversed(range(_REFUSALS)):
            generation = self.pace.turn()
            reply = _asked(url, secret, method)
            if not _is_limited(reply) or not remaining:
                break
            if self.pace.refused(generation, reply.wait):
                self.slowed(self.pace.interval)
        return reply


def _asked(url: str, secret: str, method: str) -> Reply:
    def once() -> Reply:
        return http.ask(url, method=method, headers={"Accept": ", ".join(_MANIFESTS)}, secret=secret, limits=_LIMITS)

    return call(once, Backoff(attempts=_ATTEMPTS), again=lambda error: isinstance(error, HttpError) and error.again)


def _is_limited(reply: Reply) -> bool:
    """Tell whether a registry refuses because it was asked too often."""
    return reply.status == _TOO_MANY or (
        reply.status not in _SUCCESS and bool(_LIMITED.search(reply.body.decode("utf-8", errors="replace")))
    )


def _scheme(host: str) -> str:
    """Return the scheme of a registry: engines take those on loopback without TLS."""
    name = re.sub(r":\d+$", "", host).strip("[]")
    with suppress(ValueError):
        return "http" if ipaddress.ip_address(name).is_loopback else "https"
    return "http" if name == "localhost" else "https"


def _refused(name: str, reply: Reply) -> LayerwrightError:
    host = name.partition("/")[0]
    why = [" ".join(_reasons(reply))]
    if reply.status == _MISSING:
        return UsageError(f"{name} does not exist", why=why)
    if _is_limited(reply):
        hint = f"a login raises the limit; `layerwright images pin` continues where it stopped: docker login {host}"
        return UnreachableError(f"{name}: the registry answers too rarely", why=why, hint=hint)
    if reply.status in {_UNAUTHORIZED, _FORBIDDEN}:
        return UsageError(f"{name}: the registry refuses access", why=why, hint=_hint(host))
    return UnreachableError(f"{name}: the registry does not return a digest", why=why, hint=_hint(host))


def _reasons(reply: Reply) -> Iterator[str]:
    yield f"{reply.status} {reply.reason}".strip()
    if text := " ".join(reply.body.decode("utf-8", errors="replace").split())[:200]:
        yield text


def _hint(host: str) -> str:
    return (
        f"an old login is refused, where none would do: `docker logout {host}`; "
        "LAYERWRIGHT_REGISTRY=host:port/prefix names a mirror"
    )
