"""What a tag must fit before it is released: `python3 .ci/release.py v1.2.3` prints what the changelog says of it."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def notes(tag: str, root: Path = ROOT) -> str:
    """Return the section of the changelog, or end with all that does not fit the tag."""
    version = tag.removeprefix("v")
    wrong = []
    if not re.fullmatch(r"v\d+\.\d+\.\d+", tag):
        wrong.append(f"the tag {tag} is not one like v1.2.3")
    declared = re.search(r'^__version__ = "(.*)"$', (root / "builder/__init__.py").read_text("utf-8"), re.MULTILINE)
    if declared is None or declared[1] != version:
        wrong.append(f"builder/__init__.py has version {declared[1] if declared else 'none'}")
    changelog = (root / "CHANGELOG.md").read_text("utf-8")
    sections = re.findall(r"^## (\S+) \(([^)\n]*)\)\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    when, text = next(((when, text) for name, when, text in sections if name == version), ("", ""))
    if not when:
        wrong.append(f"CHANGELOG.md has no section of {version}")
    elif not re.fullmatch(r"\d{4}-\d\d-\d\d", when):
        wrong.append(f"CHANGELOG.md says that {version} is {when}: a date belongs there")
    elif not text.strip():
        wrong.append(f"CHANGELOG.md says nothing about {version}")
    elif sections[0][0] != version:
        wrong.append(f"the first section of CHANGELOG.md is that of {sections[0][0]}")
    if wrong:
        sys.exit("\n".join(wrong))
    return text.strip()


if __name__ == "__main__":
    print(notes(*sys.argv[1:]))  # noqa: T201  the notes are its result
