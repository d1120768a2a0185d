"""Hiding the secrets of a build in its output: a step that may read one can print it, also encoded."""

import re
import shlex
from base64 import b64encode
from collections.abc import Iterable, Iterator
from urllib.parse import quote, unquote

HIDDEN = "***"
_SHORTEST = 4
"""Characters of the shortest value that is hidden; single letters would hide the whole output."""
_PUBLIC = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_LOGIN = re.compile(r"://(?P<user>[^/\s:@]*)(?::(?P<password>\S*))?@")
"""Greedy, as in `credentials`: many write passwords with an `@` as they are."""
_QUERY = re.compile(r"[?&][^=\s&]+=([^&#\s'\"]+)")
_NAMED = re.compile(r"(?i)(?:password|passwd|token|secret|auth|key)[\w-]*[\"']?[\s:=>]+[\"']?([^\s\"'<>,;]+)")
_WORD = re.compile(r"(?=\S*\d)[^\s\"'<>=,;]{8,}")
"""Words of files with several values, such as .netrc; those of letters only could be the names of fields."""
_HOST = re.compile(r"(?:[a-z][a-z+]*:)?/*[\w-]+(?:\.[\w-]+)+(?::\d+)?(?:/\S*)?")


class Mask:
    """Replaces the values of secrets in text."""

    def __init__(self, contents: Iterable[bytes]) -> None:
        """Take the files of secrets: single values, assignments of a shell, or files such as .netrc."""
        values = {value for content in contents for value in _values(content.decode(errors="ignore"))}
        forms = {form for value in values for form in _forms(value) if len(form) >= _SHORTEST}
        longest = sorted(forms, key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(map(re.escape, longest))) if longest else None

    def __call__(self, text: str) -> str:
        return self._pattern.sub(HIDDEN, text) if self._pattern else text


def _values(text: str) -> Iterator[str]:
    text = _PUBLIC.sub("", text)
    for line in text.splitlines():
        stripped = line.strip()
        yield stripped
        name, is_assignment, value = stripped.partition("=")
        if is_assignment and name.isidentifier():
            stripped = _unquoted(value)
            if "://" not in stripped:
                yield stripped
        yield from _in_addresses(stripped)
        yield from _NAMED.findall(stripped)
        if "://" not in stripped:
            yield from (word for word in _WORD.findall(stripped) if not _HOST.fullmatch(word))


def _in_addresses(text: str) -> Iterator[str]:
    for login in _LOGIN.finditer(text):
        password = login["password"] or login["user"]  # a token may stand alone
        yield password
        yield f"{login['user']}:{login['password'] or ''}"
    yield from _QUERY.findall(text)


def _unquoted(value: str) -> str:
    try:
        return "".join(shlex.split(value))
    except ValueError:
        return value


def _forms(value: str) -> Iterator[str]:
    """Yield a value as it is, as it stands in addresses, and as base64 has it wherever it begins."""
    for plain in {value, unquote(value)}:
        yield from (plain, quote(plain, safe=""), quote(plain))
        if len(plain) >= _SHORTEST:
            yield from _encoded(plain.encode())


def _encoded(data: bytes) -> Iterator[str]:
    """Yield the letters of base64 that depend on nothing but the data, for each of three places in a longer text."""
    for before in range(3):
        text = b64encode(bytes(before) + data).decode()
        first, last = -(-before * 8 // 6), (before + len(data)) * 8 // 6
        if last - first >= 2 * _SHORTEST:
            yield text[first:last]
            yield text[first:last].replace("+", "-").replace("/", "_")
