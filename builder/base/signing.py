"""Signatures of objects in the shared cache: an Ed25519 key pair whose private half only machines that build have.

A signature covers the kind of an object, its name and the SHA-256 of its bytes, so that no signed object can stand in
the place of another one.
"""

import os
import re
from base64 import b64decode, b64encode
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from builder.base import environment
from builder.base.errors import UsageError
from builder.base.frozen import dataclass

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

VARIABLE = "LAYERWRIGHT_REMOTE_KEY"
_PEM = re.compile(
    r"-----BEGIN (?P<half>PRIVATE|PUBLIC) KEY-----(?P<base64>(?:[A-Za-z0-9+/=\s]|\\[rn])+)-----END (?P=half) KEY-----"
)
"""A key in PEM. Line breaks may be missing or escaped, as they often are in variables."""
_DOMAIN = "layerwright shared cache 1"
"""Sets these signatures apart from any others that a key might make."""
_LARGEST = 65_536
"""Bytes of a file that can be a key."""
_HINT = "`layerwright cache key NAME` makes a pair: the private key writes and reads, the public key reads"


@dataclass(frozen=True, kw_only=True, slots=True)
class SigningKey:
    """A key pair, or its public half."""

    public: "Ed25519PublicKey"
    private: "Ed25519PrivateKey | None"
    """None for a machine that reads only."""

    def sign(self, name: str, sha256: str) -> str:
        """Return the signature of an object in Base64. `name` is that in the cache: its kind, a slash, and the rest."""
        if self.private is None:
            raise AssertionError
        return b64encode(self.private.sign(_message(name, sha256))).decode("ascii")

    def verifies(self, name: str, sha256: str, signature: str) -> bool:
        """Return whether a signature is of this key, for the object of this name with these bytes."""
        from cryptography.exceptions import InvalidSignature

        with suppress(InvalidSignature, ValueError):  # ValueError: it is not Base64
            self.public.verify(b64decode(signature, validate=True), _message(name, sha256))
            return True
        return False


def _message(name: str, sha256: str) -> bytes:
    kind, _, rest = name.partition("/")
    return f"{_DOMAIN}\0{kind}\0{rest}\0{sha256}".encode()


def text() -> str | None:
    """Return the value of the environment variable; None if it is not set or empty."""
    return environment.value(VARIABLE) or None


def parse(given: str) -> SigningKey:
    """Return the key in a text in PEM, or in the file of that path. Raises UsageError, which never contains a key."""
    match = _PEM.search(given if "-----BEGIN" in given else _content(given))
    if match is None:
        msg = f"{VARIABLE} has no key: neither PEM nor the path of a file with it"
        raise UsageError(msg, hint=_HINT)
    _require_library()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

    data = re.sub(r"\\[rn]|\s", "", match["base64"])
    with suppress(ValueError, TypeError, UnsupportedAlgorithm):
        if match["half"] == "PUBLIC":
            public = serialization.load_der_public_key(b64decode(data, validate=True))
            if isinstance(public, Ed25519PublicKey):
                return SigningKey(public=public, private=None)
        else:
            private = serialization.load_der_private_key(b64decode(data, validate=True), password=None)
            if isinstance(private, Ed25519PrivateKey):
                return SigningKey(public=private.public_key(), private=private)
    msg = f"the key of {VARIABLE} is not a valid Ed25519 key"
    raise UsageError(msg, hint=_HINT)


def _content(path: str) -> str:
    try:
        with Path(path).expanduser().open("rb") as stream:
            return stream.read(_LARGEST).decode(errors="replace")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a path"
        msg = f"{VARIABLE} is neither a key nor the path of a readable file"  # not its value: that may be a secret
        raise UsageError(msg, why=[str(reason)], hint=_HINT) from None


def generate(name: Path) -> tuple[Path, Path]:
    """Write a new key pair as NAME.key, for this user only, and NAME.pub, and return the paths.

    Raises UsageError if one of them exists: a key that is overwritten is lost.
    """
    _require_library()
    if not name.name:
        msg = "the keys need a name"
        raise UsageError(msg, hint="for example `layerwright cache key team-cache`")
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key, form = Ed25519PrivateKey.generate(), serialization.Encoding.PEM
    private = key.private_bytes(form, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    public = key.public_key().public_bytes(form, serialization.PublicFormat.SubjectPublicKeyInfo)
    paths = name.with_name(f"{name.name}.key"), name.with_name(f"{name.name}.pub")
    written: list[Path] = []
    try:
        for path, content, mode in zip(paths, (private, public), (0o600, 0o644), strict=True):
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as stream:
                written.append(path)
                stream.write(content)
    except OSError as error:
        for path in written:
            path.unlink()
        msg = f"{error.filename} exists" if isinstance(error, FileExistsError) else f"cannot write {error.filename}"
        why = [] if isinstance(error, FileExistsError) else [str(error.strerror)]
        raise UsageError(msg, why=why, hint="choose another name; nothing was written") from error
    return paths


def _require_library() -> None:
    try:
        import cryptography  # noqa: F401
    except ImportError as error:
        msg = "signatures of the shared cache need the package cryptography, which is not installed"
        raise UsageError(msg, hint="`pip install layerwright[aws]`") from error
