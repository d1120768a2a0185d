"""Settings of this host that containers need: proxies, CA certificates, package indexes. Passed as build secrets."""

import os
import re
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from builder.base.errors import UsageError
from builder.base.frozen import dataclass

CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE")
EXTRA_CA_VARIABLES = ("NODE_EXTRA_CA_CERTS",)
"""Variables that name additional certificates only."""
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy")
_LIMIT = 500 * 1024
"""BuildKit's maximum size of a secret, in bytes."""
_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True, kw_only=True, slots=True)
class Secret:
    """A secret of a build, from a file or a variable. Steps can read it, but no layer of the image contains it."""

    id: str
    file: Path | None = None
    variable: str | None = None

    def content(self) -> bytes:
        if self.file:
            return self.file.read_bytes()
        return os.environ[str(self.variable)].encode()


def parse_secret(text: str) -> Secret:
    """Parse `id=NAME,src=FILE` or `id=NAME,env=VARIABLE`, the syntax of docker. Raises UsageError if it is invalid."""
    fields = dict(part.partition("=")[::2] for part in text.split(","))
    name, file, variable = fields.pop("id", ""), fields.pop("src", None), fields.pop("env", None)
    hint = "for example `--secret id=netrc,src=$HOME/.netrc` or `--secret id=token,env=TOKEN`"
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", name) or fields or (file and variable):
        msg = f"`--secret {text}` is not `id=NAME,src=FILE` or `id=NAME,env=VARIABLE`"
        raise UsageError(msg, hint=hint)
    if name.startswith("layerwright-"):
        msg = f"--secret {name}: names that begin with `layerwright-` are reserved"
        raise UsageError(msg)
    if file and not Path(file).expanduser().is_file():
        msg = f"--secret {name}: there is no file {file}"
        raise UsageError(msg)
    variable = variable or (None if file else name)
    if variable and variable not in os.environ:
        msg = f"--secret {name}: the environment variable {variable} is not set"
        raise UsageError(msg, hint=hint)
    return Secret(id=name, file=Path(file).expanduser() if file else None, variable=variable)


def proxies() -> dict[str, str]:
    """Return the proxy variables of the environment. Loopback addresses in them do not work in a container."""
    return {name: os.environ[name] for name in _PROXIES if os.environ.get(name)}


def environment(variables: Mapping[str, str]) -> str:
    """Return variables as shell assignments."""
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in sorted(variables.items()))


def given(names: Collection[str]) -> dict[str, str]:
    """Return these variables of the environment, if they are set."""
    return {name: os.environ[name] for name in names if name in os.environ}


def certificates() -> bytes:
    """Return all CA certificates that this host is configured to trust; empty if it uses the default ones.

    Each tool has its own variable, and usually only some are set, so the certificates of all of them are combined.
    Raises UsageError if a bundle cannot be read, or if they exceed the size limit.
    """
    unique: dict[bytes, None] = {}
    for path in _bundles():
        try:
            unique.update(dict.fromkeys(_CERTIFICATE.findall(path.read_bytes())))
        except OSError as error:
            msg = f"the CA bundle {path} cannot be read"
            raise UsageError(msg, why=[str(error)], hint="a variable names it; see `layerwright doctor`") from None
    text = b"\n".join(unique) + b"\n" if unique else b""
    if len(text) > _LIMIT:
        msg = f"the CA bundles of this host are {len(text) // 1024} KB, more than the 500 KB that BuildKit accepts"
        raise UsageError(
            msg, hint="set SSL_CERT_FILE to a bundle with the CA of your company and the public ones that builds need"
        )
    return text


def bundles() -> list[tuple[str, str]]:
    """Return the variables that name CA bundles, with their values."""
    return [(name, os.environ[name]) for name in (*CA_VARIABLES, *EXTRA_CA_VARIABLES) if os.environ.get(name)]


def _bundles() -> Iterator[Path]:
    """Yield the bundles that are named; if all of them are additional ones, the usual certificates before.

    Where Python knows no file of the system, as on Windows and with python.org's on a Mac, those are certifi's.
    """
    named = bundles()
    if named and not any(name in CA_VARIABLES for name, _ in named):
        import ssl

        import certifi

        yield Path(ssl.get_default_verify_paths().cafile or certifi.where())
    yield from (Path(path) for path in dict.fromkeys(path for _, path in named))


def write_secrets(
    folder: Path, ids: tuple[str, str, str], secrets: Sequence[Secret], variables: Collection[str] = ()
) -> dict[str, Path]:
    """Write all secrets into a new, private folder and return their files by id. Empty ones are left out.

    `ids` are the ids of the proxies, of the CA certificates, and of `variables` of this host, which name indexes.
    """
    folder.mkdir(mode=0o700)
    contents = {
        ids[0]: environment(proxies()).encode(),
        ids[1]: certificates(),
        ids[2]: environment(given(variables)).encode(),
    }
    contents.update({secret.id: secret.content() for secret in secrets})
    files = {}
    for number, (name, content) in enumerate(contents.items()):
        if not content:
            continue
        path = folder / f"secret-{number}"
        path.touch(mode=0o600)
        path.write_bytes(content)
        files[name] = path
    return files
