"""Mirrors and credentials are taken from where Bundler has them."""

from pathlib import Path

import pytest

from builder.packages.rubygems import bundler_settings, index

CORP = "https://gems.my-corp.test/"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("BUNDLE_MIRROR__ALL", "BUNDLE_USER_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_a_variable_has_the_credentials_of_a_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUNDLE_GEMS__MY___CORP__TEST", "me:se/cret")
    assert bundler_settings.address(CORP) == "https://me:se%2Fcret@gems.my-corp.test/"
    assert bundler_settings.address("https://other.test/") == "https://other.test/"
    assert bundler_settings.address("https://you@gems.my-corp.test/") == "https://you@gems.my-corp.test/"


def test_the_file_of_the_user_has_credentials_and_mirrors(home: Path) -> None:
    (home / ".bundle").mkdir()
    text = '---\nBUNDLE_GEMS__MY___CORP__TEST: "me:word"\nBUNDLE_MIRROR__HTTPS://GEMS__TEST/: "https://mirror.test"\n'
    (home / ".bundle" / "config").write_text(text, encoding="utf-8")
    assert index.source([CORP]) == "https://me:word@gems.my-corp.test/"
    assert index.source(["https://gems.test/"]) == "https://mirror.test/"


def test_a_project_names_no_mirror(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "project" / ".bundle").mkdir(parents=True)
    (home / "project" / ".bundle" / "config").write_text('BUNDLE_MIRROR__ALL: "https://files.test"\n')
    monkeypatch.chdir(home / "project")
    assert index.source([CORP]) == CORP
