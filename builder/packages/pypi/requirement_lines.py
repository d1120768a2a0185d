"""The logical lines of requirements files, each with its place, and what is refused in any of them."""

import re
from collections.abc import Iterator
from pathlib import Path

from builder.base import credentials, texts
from builder.base.frozen import dataclass

_VARIABLE = re.compile(r"\$\{[A-Za-z0-9_]+\}")


_OPTION = re.compile(r"(?<!\S)(?P<name>--?[A-Za-z][\w-]*)(?P<sign>[= ]\s*)(?P<value>\S+)")
_TOLD = frozenset({
    *("-r", "--requirement", "-c", "--constraint", "-e", "--editable", "-f", "--find-links", "--hash"),
    *("-i", "--index-url", "--extra-index-url", "--pypi-url", "--no-binary", "--only-binary"),
})  # fmt: skip
"""Options whose values are names, paths and addresses; those of others may be secrets."""


class RefusedError(Exception):
    """Says why a line is not handed on; empty when the line itself tells it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One logical line, without its comment."""

    file: Path
    text: str
    shown: bool
    number: int | None = None
    """None for a line that a project or a lock stands for."""

    @property
    def where(self) -> str:
        """The file, with the number."""
        return self.file.as_posix() if self.number is None else f"{self.file.as_posix()}:{self.number}"

    def told(self, why: str) -> str:
        if not self.shown:
            return f"{self.where}: this line"
        return f"{self.where}: {_OPTION.sub(_told, credentials.redact(self.text))}{f' ({why})' if why else ''}"


def _told(option: re.Match[str]) -> str:
    return option[0] if option["name"] in _TOLD else f"{option['name']}{option['sign']}…"


def read(path: Path, *, shown: bool) -> Iterator[Line]:
    """Yield lines as pip reads them: a backslash at the end continues one, `#` after a space begins a comment."""
    pending: list[str] = []
    every = texts.read(path).removeprefix(texts.BOM).splitlines()
    for number, raw in enumerate(every, 1):
        continued = raw.endswith("\\") and number < len(every) and not raw.lstrip().startswith("#")
        pending.append(raw.removesuffix("\\"))
        if continued:
            continue
        text = re.sub(r"(^|\s)#.*$", "", "".join(pending)).strip()
        if text:
            yield Line(file=path, number=number - len(pending) + 1, text=text, shown=shown)
        pending = []


def constant(text: str) -> str:
    """Return a text with single spaces. Raises RefusedError if pip would fill in variables of the environment."""
    if _VARIABLE.search(text):
        raise RefusedError("variables of the environment are not filled in")  # noqa: EM101, TRY003
    return " ".join(text.split())
