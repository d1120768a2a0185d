"""The programs that JavaScript starts by name with `child_process`, of those that are known.

Left out are calls that only ask for a program's version, those with a `.catch()` of their own, and programs that the
module looks for in PATH, as it does without them then.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice

from builder.model.loaded_by_name import known

_LINES = frozenset({"exec", "execSync"})
"""Functions that take a line for the shell."""
_FUNCTIONS = frozenset({"spawn", "spawnSync", "execFile", "execFileSync", *_LINES})
_WORD = rb"(?<![\w$])([\w$]+)"
"""A whole word: data in bundles has words of megabytes, which would be begun at each of their letters."""
_MODULE = rb"""['"](?:node:)?child_process['"]"""
_REQUIRED = rb"""(?:[\w$.]+\(\s*)?require\(\s*""" + _MODULE + rb"""\s*\)\)?"""
_NAMED = re.compile(
    _WORD + rb"\s*=\s*" + _REQUIRED + rb"(?!\s*\.)|\bimport\s+(?:\*\s*as\s+)?([\w$]+)[^;'\"]{0,200}?\bfrom\s*" + _MODULE
)
"""Names of the whole module."""
_PARTS = re.compile(rb"\{([^{}]{0,400})\}\s*(?:=\s*" + _REQUIRED + rb"|from\s*" + _MODULE + rb")(?!\s*\.)")
_PART = re.compile(r"(\w+)(?:(?:\s*:\s*|\s+as\s+)([\w$]+))?")
_ONE = re.compile(_WORD + rb"\s*=\s*" + _REQUIRED + rb"\.(\w+)\s*[;,\n]")
_PROMISED = re.compile(_WORD + rb"\s*=\s*[^;=\n]{0,40}?\bpromisify\(\s*(?:" + _REQUIRED + rb"\s*\.\s*)?([\w$.]+)\s*\)")
_DIRECT = re.compile(_REQUIRED + rb"\s*$")
_BEFORE = 60
"""Bytes before a call in which `require` may stand."""
_PROBE = re.compile(rb"""(?:['"`]\s*,\s*\[\s*['"`])?\s*--?(?:version|help|[hvV])\s*(?:[12]?>[^'"`\n]*)?['"`]""")
_LOOKED_FOR = re.compile(rb"""\b(?:which|hasbin|hasBin|commandExists|lookpath)[\w.]*\(\s*['"`]([\w.-]+)['"`]""")
_MOST = 200
"""Calls of a module that are looked at."""
_AFTER = 4000
"""Bytes behind a call's beginning in which it ends."""
_COMMENT = re.compile(rb"^\s*\*|//")


def may_start(data: bytes) -> bool:
    """Tell whether a module may start a known program by a name that stands in it."""
    return b"child_process" in data and _call().search(data) is not None


@cache
def _call() -> re.Pattern[bytes]:
    names = "|".join(sorted(map(re.escape, known().programs), key=len, reverse=True))
    return re.compile(rf"""(?<![\w$.])([\w$.]+)\)?\s{{0,99}}\(\s{{0,99}}(['"`])({names})(?=\2|\s)""".encode())


def started(data: bytes) -> Iterator[tuple[str, int]]:
    """Yield the programs that a module starts, and where the calls begin."""
    modules = {name.decode() for pair in _NAMED.findall(data) for name in pair if name}
    functions = _functions(data, modules)
    looked_for = {name.decode() for name in _LOOKED_FOR.findall(data)}
    for match in islice(_call().finditer(data), _MOST):
        callee, name, at = match[1].decode(), match[3].decode(), match.start()
        function = _function(callee, data[max(0, at - _BEFORE) : at], modules, functions)
        is_whole = data[match.end() : match.end() + 1] == match[2]
        if (
            function in _FUNCTIONS
            and (is_whole or function in _LINES)
            and name not in looked_for
            and not _is_spared(data, match)
        ):
            yield name, at


def _functions(data: bytes, modules: set[str]) -> Mapping[str, str]:
    """Return the functions of `child_process` by the names that a module gives to them."""
    found: dict[str, str] = {}
    for listed in _PARTS.findall(data):
        found.update((own or name, name) for name, own in _PART.findall(listed.decode(errors="replace")))
    found.update((own.decode(), name.decode()) for own, name in _ONE.findall(data))
    for own, promised in _PROMISED.findall(data):
        owner, _, name = promised.decode().rpartition(".")
        if not owner or owner in modules:
            found[own.decode()] = found.get(name, name)
    return found


def _function(callee: str, before: bytes, modules: set[str], functions: Mapping[str, str]) -> str:
    """Return the function of `child_process` that is called, or an empty text."""
    owner, dot, name = callee.replace(".default.", ".").rpartition(".")
    if not dot:
        return functions.get(name, "")
    return name if owner in modules or (not owner and _DIRECT.search(before)) else ""


def _is_spared(data: bytes, match: re.Match[bytes]) -> bool:
    line = data[max(0, data.rfind(b"\n", 0, match.start()) + 1, match.start() - _AFTER) : match.start()]
    return bool(_COMMENT.search(line) or _PROBE.match(data, match.end())) or _is_caught(data, match.start())


def _is_caught(data: bytes, start: int) -> bool:
    """Tell whether a call is followed by a `.catch()` of its own."""
    depth = 0
    for at in range(data.find(b"(", start), min(len(data), start + _AFTER)):
        depth += {ord("("): 1, ord(")"): -1}.get(data[at], 0)
        if depth == 0:
            return re.match(rb"\s*\.catch\(", data[at + 1 : at + _BEFORE]) is not None
    return False
