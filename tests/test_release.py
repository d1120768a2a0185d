"""What a release is refused for, by .ci/release.py."""

import subprocess
import sys
from pathlib import Path

import pytest
from kit.commands import ROOT

PROGRAM = ROOT / ".ci/release.py"
CHANGELOG = """# Changelog

## 1.2.3 (2026-11-29)

- New.

## 1.2.2 (2026-01-01)

- Old.
"""


def release(folder: Path, tag: str, *, version: str = "1.2.3", changelog: str = CHANGELOG) -> tuple[int, str]:
    """Return exit code and output for a tag in a repository that has these texts."""
    (folder / ".ci").mkdir()
    (folder / "builder").mkdir()
    (folder / ".ci/release.py").write_text(PROGRAM.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "builder/__init__.py").write_text(f'"""x"""\n\n__version__ = "{version}"\n', encoding="utf-8")
    (folder / "CHANGELOG.md").write_text(changelog, encoding="utf-8")
    command = [sys.executable, str(folder / ".ci/release.py"), tag]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_tag_that_fits_gets_its_section(tmp_path: Path) -> None:
    assert release(tmp_path, "v1.2.3") == (0, "- New.\n")


@pytest.mark.parametrize(
    ("tag", "version", "changelog", "told"),
    [
        ("1.2.3", "1.2.3", CHANGELOG, "the tag 1.2.3 is not one like v1.2.3"),
        ("v1.2.3", "1.2.4", CHANGELOG, "builder/__init__.py has version 1.2.4"),
        ("v1.2.4", "1.2.4", CHANGELOG, "CHANGELOG.md has no section of 1.2.4"),
        ("v1.2.2", "1.2.2", CHANGELOG, "the first section of CHANGELOG.md is that of 1.2.3"),
        (
            *("v1.2.3", "1.2.3", CHANGELOG.replace("2026-11-29", "unreleased")),
            "CHANGELOG.md says that 1.2.3 is unreleased: a date belongs there",
        ),
        ("v1.2.3", "1.2.3", CHANGELOG.replace("- New.", ""), "CHANGELOG.md says nothing about 1.2.3"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, tag: str, version: str, changelog: str, told: str) -> None:
    assert release(tmp_path, tag, version=version, changelog=changelog) == (1, f"{told}\n")


def test_all_that_is_wrong_is_told_together(tmp_path: Path) -> None:
    code, told = release(tmp_path, "v2", version="1.0.0")
    assert (code, len(told.splitlines())) == (1, 3)


def test_the_changelog_of_this_repository_is_read() -> None:
    done = subprocess.run([sys.executable, PROGRAM, "v0.1.0"], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0 or done.stderr == "CHANGELOG.md says that 0.1.0 is unreleased: a date belongs there\n"
