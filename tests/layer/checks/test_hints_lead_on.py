"""Hints of findings that say what to do with the files of a zip: done as they say, the finding is gone."""

import posixpath
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from kit import bad, corpus
from kit.bad import ARCHIVE, Bad, Workshop
from kit.bad_cases import CASES

from builder.layer import checks
from builder.layer.findings import Finding
from builder.layer.tree import EXECUTABLE, PLAIN, Entry, InMemory, Tree, of
from builder.model.architectures import architecture
from builder.model.runtimes import runtime
from builder.packages import table

Files = dict[str, tuple[bytes, int]]
"""The content and the mode of each file, by path."""
Step = Callable[[Files, re.Match[str], str], Files]


def moved(files: Files, old: str, new: str) -> Files:
    """Move what is below a folder; the empty one is the top."""
    return {f"{new}{path.removeprefix(old)}" if path.startswith(old) else path: kept for path, kept in files.items()}


def without(files: Files, *prefixes: str) -> Files:
    return {path: kept for path, kept in files.items() if not any(f"/{prefix}" in f"/{path}" for prefix in prefixes)}


def nested(files: Files, match: re.Match[str], _: str) -> Files:
    """Leave the folders out that lie around the layer."""
    return moved(files, match["around"], "")


def into(files: Files, match: re.Match[str], _: str) -> Files:
    """Move a folder, or what is at the top, to where the runtime looks."""
    found = match.groupdict()
    return moved(files, found.get("old") or "", found["new"] or "")


def below(files: Files, match: re.Match[str], _: str) -> Files:
    """Move the folders of a folder into another one in it."""
    return moved(files, match["old"] or "", match["new"])


def with_mode(files: Files, match: re.Match[str], path: str) -> Files:
    return {**files, path: (files[path][0], int(match["mode"], 8))}


def left_out(files: Files, _: re.Match[str], path: str) -> Files:
    return without(files, path)


def pruned(files: Files, match: re.Match[str], _: str) -> Files:
    return without(files, *match["listed"].split())


def to_lib(files: Files, _: re.Match[str], path: str) -> Files:
    """Put the libraries of the folder, or the file, that is named directly into lib/."""
    return {
        f"lib/{posixpath.basename(name)}"
        if f"{name}/".startswith(f"{path.rstrip('/')}/") and ".so" in name
        else name: kept
        for name, kept in files.items()
    }


def renamed(files: Files, _: re.Match[str], path: str) -> Files:
    folder, name = posixpath.split(path)
    return {f"{folder}/other-{name}" if each == path else each: kept for each, kept in files.items()}


FOLLOWED: Mapping[str, Step] = {
    r"too many: `\S+` must be at its top, not in `(?P<around>\S+)`": nested,
    r"it is unpacked to /opt, so leave out `(?P<around>\S+)`": nested,
    r"belong under `(?P<new>python/)`: `(?P<old>\S+)` must be called so": into,
    r"belong under `(?P<new>python/)`: move there what is in `(?P<old>\S+)`": into,
    r"belong under `(?P<new>python/)`: move what is at the top into it": into,
    r"`(?P<old>\S+)` must be called `(?P<new>python/)`": into,
    r"belong into `(?P<new>ruby/\S+)`, not into `(?P<old>\S+)`": into,
    r"belong into `(?P<new>ruby/\S+)`, not to the top": into,
    r"belong into `(?P<new>nodejs/node_modules/)`: move the folders at the top there": into,
    r"belong into `(?P<new>nodejs/node_modules/)`: move the folders of `(?P<old>nodejs/)` there": below,
    r"`nodejs/node_modules/`: move `(?P<old>node_modules/)` into a folder `(?P<new>nodejs/)`": lambda f, m, _: moved(
        f, m["old"], m["new"] + m["old"]
    ),
    r"only another Node.js looks into `(?P<old>\S+)`: packages of \S+ belong into `(?P<new>\S+)`": into,
    r"only Python 3.12 looks there: packages of \S+ belong into `(?P<new>python/)`": lambda f, m, path: moved(
        f, path, m["new"]
    ),
    r"store it in the zip with mode (?P<mode>\d+)": with_mode,
    r"^prune (?P<listed>\S.*)": pruned,
    r"`prune` leaves them out: (?P<listed>\S.*)": pruned,
    r"leave it out|leave glibc's own libraries out|remove it;|leave them out": left_out,
    r"the loader finds libraries directly in `lib/` only": to_lib,
    r"or rename it|rename one": renamed,
}


def findings(files: Files, case: Bad) -> list[Finding]:
    where = (runtime(case.runtime),), (architecture(case.arch),)
    tree: Tree = of(Entry(path=path, mode=mode, content=InMemory(data=data)) for path, (data, mode) in files.items())
    return list(checks.run(checks.examine(tree, *where, packages=table.installed(tree), own=False)))


def made(case: Bad, shop: Workshop) -> Files:
    default = {True: EXECUTABLE, False: PLAIN}
    return {
        path: (data, case.modes.get(path, default[data[:4] == b"\x7fELF" or data[:2] == b"#!"]))
        for path, data in case.make(shop).items()
    }


@pytest.mark.network
@pytest.mark.parametrize(
    "case", [case for case in CASES if case.check not in {ARCHIVE, "size"}], ids=lambda case: case.name
)
def test_what_a_hint_says_changes_what_is_found(case: Bad, tmp_path: Path) -> None:
    if reason := bad.usable():
        pytest.skip(reason)
    fetched = corpus.folder()
    files = made(case, Workshop(tmp_path, lambda *arguments: corpus.wheel(fetched, *arguments)))
    if any(mode & 0o170000 == 0o120000 for _, mode in files.values()):
        return  # links are what their own hint is about
    for finding in findings(files, case):
        for pattern, step in FOLLOWED.items():
            if match := re.search(pattern, finding.hint or ""):
                after = step(files, match, finding.path or "")
                assert after != files, (finding.path, finding.hint)
                again = [(one.check, one.path, one.message) for one in findings(after, case)]
                assert (finding.check, finding.path, finding.message) not in again, finding.hint
                hints = {one.hint for one in findings(after, case) if one.check == finding.check}
                assert finding.hint not in hints or finding.check != "layer-path", "it leads in a circle"
                break


def test_a_layer_of_which_all_was_left_out_has_nothing() -> None:
    (finding,) = [one for one in findings({}, CASES[0]) if one.severity == "error"]
    assert (finding.check, finding.hint) == ("layer-path", "the layer has nothing that a function can use")


@pytest.mark.network
def test_each_kind_of_hint_is_one_of_the_corpus(tmp_path: Path) -> None:
    if reason := bad.usable():
        pytest.skip(reason)
    fetched, told = corpus.folder(), set[str]()
    for case in CASES:
        if case.check not in {ARCHIVE, "size"} and not any(mode & 0o170000 == 0o120000 for mode in case.modes.values()):
            files = made(case, Workshop(tmp_path, lambda *arguments: corpus.wheel(fetched, *arguments)))
            told |= {finding.hint or "" for finding in findings(files, case)}
    assert [pattern for pattern in FOLLOWED if not any(re.search(pattern, hint) for hint in told)] == []
