"""The options of requirements files that name indexes, as pip has them."""

import re
from pathlib import Path
from urllib.parse import urlsplit

from builder.packages.pypi.indexes import Index, Indexes
from builder.packages.pypi.requirement_lines import RefusedError, constant

_DEFAULT = ("-i", "--index-url", "--pypi-url")
_LINKS = ("-f", "--find-links")
NAMES = frozenset({*_DEFAULT, *_LINKS, "--extra-index-url", "--no-index", "--trusted-host"})
_HOST = re.compile(r"(?:[\w.*-]+|\[[0-9A-Fa-f:.]+\])(?::\d+)?")
_FORMS = ("http", "https", "file")


def parsed(name: str, value: str, file: Path) -> Indexes:
    """Return what one option says. Raises RefusedError for an address that is none, or a folder that is missing."""
    if name == "--no-index":
        return Indexes(only_links=True)
    word = _value(name, value)
    if name == "--trusted-host":
        if not _HOST.fullmatch(word):
            raise RefusedError("it names a host or HOST:PORT, without user and password")  # noqa: EM101, TRY003
        return Indexes(trusted=(word,))
    if name in _LINKS:
        return Indexes(links=(_place(word, file),))
    index = Index(url=_place(word, file))
    return Indexes(default=index) if name in _DEFAULT else Indexes(extra=(index,), equal=True)


def _value(name: str, value: str) -> str:
    word = value.strip("\"'")
    if not word or any(character.isspace() for character in word):
        msg = f"{name} has one value"
        raise RefusedError(msg)
    if "${" in word and "://" in word:
        msg = "variables of the environment are not filled in; the password of an index belongs into ~/.netrc"
        raise RefusedError(msg)
    return constant(word)


def _place(word: str, file: Path) -> str:
    """Return an absolute address. A path counts from the folder of its file; as for pip, else from the current one."""
    parts = urlsplit(word)
    if "://" in word or parts.scheme == "file":
        if parts.scheme not in _FORMS or not (parts.hostname or parts.path):
            raise RefusedError("an index has an address of http, https or file")  # noqa: EM101, TRY003
        return word
    folder = next((each for each in (file.parent / word, Path(word)) if each.exists()), None)
    if folder is None:
        msg = f"there is no folder {(file.parent / word).as_posix()}"
        raise RefusedError(msg)
    if not folder.is_dir():
        raise RefusedError("name the folder that the files are in")  # noqa: EM101, TRY003
    return folder.resolve().as_uri()
