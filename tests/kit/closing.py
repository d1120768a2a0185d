"""`python closing.py LOG...`: print the closing line of each run of pytest, and one for all of them as the last."""

import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

_LINE = re.compile(r"^=+ (.+) in ([\d.]+)s(?: \([\d:]+\))? =+$", re.MULTILINE)
_ORDER = ("failed", "passed", "skipped", "deselected", "xfailed", "xpassed", "warnings", "errors", "rerun")
"""pytest's own."""


def lines(text: str) -> list[str]:
    """Return the closing lines of a log, as they are."""
    return [found[0] for found in _LINE.finditer(text)]


def combined(closing: Sequence[str]) -> str:
    """Return one closing line that counts the tests and the seconds of several."""
    counts: Counter[str] = Counter()
    seconds = 0.0
    for line in closing:
        found = _LINE.match(line)
        assert found, line
        seconds += float(found[2])
        for count, what in re.findall(r"(\d+) (\w+)", found[1]):
            counts[{"warning": "warnings", "error": "errors"}.get(what, what)] += int(count)
    told = ", ".join(f"{counts[what]} {what}" for what in _ORDER if counts[what]) or "no tests ran"
    hours, rest = divmod(int(seconds), 3600)
    return f" {told} in {seconds:.2f}s ({hours}:{rest // 60:02}:{rest % 60:02}) ".center(80, "=")


def main(logs: Sequence[str]) -> int:
    found = [lines(Path(log).read_text(encoding="utf-8", errors="replace")) for log in logs]
    if not all(found):
        print("a run of the tests ended without its closing line", file=sys.stderr)  # noqa: T201
        return 1
    last = [each[-1] for each in found]
    print(*last, combined(last), sep="\n")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
