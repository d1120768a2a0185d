"""What containers need of this host: its proxy, its CA and its package index; handed over as secrets, never stored."""

import os
import re
import shlex
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.base.errors import UsageError

CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE")
EXTRA_CA_VARIABLES = ("NODE_EXTRA_CA_CERTS",)
"""Hold only what comes on top of the usual certificates."""
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy")
_INDEXES = re.compile(
    r"^(UV_(DEFAULT_INDEX|INDEX.*|EXTRA_INDEX_URL|FIND_LINKS|KEYRING_PROVIDER|INSECURE_HOST)|PIP_.*INDEX_URL)$"
)
_LIMIT = 500 * 1024
"""BuildKit refuses larger secrets."""
_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True, kw_only=True, slots=True)
class Secret:
    """Something that steps may read and nothing keeps."""

    id: str
    file: Path | None = None
    variable: str | None = None

    def content(self) -> bytes:
        if self.file:
            return self.file.read_bytes()
        return os.environ[str(self.variable)].encode()


def parse_secret(text: str) -> Secret:
    """Read `id=NAME,src=FILE` or `id=NAME,env=VARIABLE`, as docker writes it."""
    fields = dict(part.partition("=")[::2] for part in text.split(","))
    name, file, variable = fields.pop("id", ""), fields.pop("src", None), fields.pop("env", None)
    hint = "for example `--secret id=netrc,src=$HOME/.netrc` or `--secret id=token,env=TOKEN`"
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", name) or fields or (file and variable):
        msg = f"`--secret {text}` is not `id=NAME,src=FILE` or `id=NAME,env=VARIABLE`"
        raise UsageError(msg, hint=hint)
    if name.startswith("layerwright-"):
        msg = f"secrets called `{name}` are layerwright's own"
        raise UsageError(msg)
    if file and not Path(file).expanduser().is_file():
        msg = f"--secret {name}: there is no file {file}"
        raise UsageError(msg)
    variable = variable or (None if file else name)
    if variable and variable not in os.environ:
        msg = f"--secret {name}: the environment has no {variable}"
        raise UsageError(msg, hint=hint)
    return Secret(id=name, file=Path(file).expanduser() if file else None, variable=variable)


def proxies() -> dict[str, str]:
    """Return the proxy settings of the environment; those of loopback mean nothing in a container."""
    return {name: os.environ[name] for name in _PROXIES if os.environ.get(name)}


def environment() -> str:
    """Return shell assignments of everything that steps should have from this host's environment."""
    given = {**proxies(), **{name: value for name, value in os.environ.items() if _INDEXES.match(name)}}
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in sorted(given.items()))


def certificates() -> bytes:
    """Return every CA certificate that this host was told to trust; empty when it uses the usual ones.

    Each tool has a variable of its own, and not each is set: all of them together are what the host means.
    """
    found: dict[bytes, None] = {}
    for path in _bundles():
        try:
            found.update(dict.fromkeys(_CERTIFICATE.findall(path.read_bytes())))
        except OSError as error:
            msg = f"the CA bundle {path} cannot be read"
            raise UsageError(msg, why=[str(error)], hint="the environment names it; see `layerwright doctor`") from None
    text = b"\n".join(found) + b"\n" if found else b""
    if len(text) > _LIMIT:
        msg = f"the CA bundles of this host are {len(text) // 1024} KB, more than the 500 KB that BuildKit takes"
        raise UsageError(msg, hint="set SSL_CERT_FILE to a bundle with your company's CA and the public ones you need")
    return text


def bundles() -> list[tuple[str, str]]:
    """Return the variables that name CA bundles, with their files."""
    return [(name, os.environ[name]) for name in (*CA_VARIABLES, *EXTRA_CA_VARIABLES) if os.environ.get(name)]


def _bundles() -> Iterator[Path]:
    named = bundles()
    if (
        named
        and not any(name in CA_VARIABLES for name, _ in named)
        and (usual := ssl.get_default_verify_paths().cafile)
    ):
        yield Path(usual)
    yield from (Path(path) for path in dict.fromkeys(path for _, path in named))


def write_secrets(folder: Path, own: tuple[str, str], given: Sequence[Secret]) -> dict[str, Path]:
    """Write all secrets into a new, private folder and return their files; `own` are the ids of environment and CA."""
    folder.mkdir(mode=0o700)
    contents = {own[0]: environment().encode(), own[1]: certificates()}
    contents.update({secret.id: secret.content() for secret in given})
    files = {}
    for number, (name, content) in enumerate(contents.items()):
        if not content:
            continue
        path = folder / f"secret-{number}"
        path.touch(mode=0o600)
        path.write_bytes(content)
        files[name] = path
    return files
