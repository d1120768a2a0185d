"""The command line of a scanner, as each system writes it."""

import shutil

import pytest

from builder.base.errors import UsageError
from builder.nightly.scanning import words_of


@pytest.fixture(autouse=True)
def _every_program_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        shutil, "which", lambda name: None if name.startswith("no-") else f"/found/{name.rpartition('/')[2]}"
    )


@pytest.mark.parametrize(
    ("command", "windows", "words"),
    [
        ("grype sbom:{sbom} --fail-on high", False, ["/found/grype", "sbom:{sbom}", "--fail-on", "high"]),
        ("'my scanner' -f", False, ["/found/my scanner", "-f", "{sbom}"]),
        ("trivy a\\ b #1", False, ["/found/trivy", "a b", "#1", "{sbom}"]),
        (r"C:\docker\docker.exe version {sbom}", True, [r"/found/C:\docker\docker.exe", "version", "{sbom}"]),
        (
            r'"C:\Program Files\grype.cmd" "sbom:{sbom}" -c C:\x\y.yaml',
            True,
            [r"/found/C:\Program Files\grype.cmd", "sbom:{sbom}", "-c", r"C:\x\y.yaml"],
        ),
    ],
)
def test_a_command_line_is_split_as_its_system_does(command: str, windows: bool, words: list[str]) -> None:  # noqa: FBT001
    assert words_of(command, windows=windows) == words


@pytest.mark.parametrize("command", ["", "no-such {sbom}", "grype 'open"])
@pytest.mark.parametrize("windows", [True, False])
def test_a_command_line_that_starts_nothing_is_refused(command: str, windows: bool) -> None:  # noqa: FBT001
    with pytest.raises(UsageError, match="--scan"):
        words_of(command, windows=windows)
