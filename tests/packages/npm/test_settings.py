"""npm's settings: what is taken of which file, and where variables go."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from kit.npm import package

from builder.base.errors import UsageError
from builder.model.architectures import X86_64
from builder.packages.npm import PUBLIC, npm, settings

MANIFEST = json.dumps({"name": "layer", "version": "0.0.0", "dependencies": {"mine": "1.0.0"}})
ELSEWHERE = "https://files.test/"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a current folder, and a home without settings."""
    (tmp_path / "project").mkdir()
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("npm_config_globalconfig", str(tmp_path / "global"))
    monkeypatch.delenv("npm_config_userconfig", raising=False)
    monkeypatch.setenv("SECRET", 'w;#"=${rd}')
    return tmp_path / "project"


def written(folder: Path, text: str) -> dict[str, str]:
    """Return the settings that npm gets when a file has this text."""
    (folder / ".npmrc").write_text(text)
    lines = settings.read().text.splitlines()
    return {key: json.loads(value) for key, _, value in (line.partition("=") for line in lines)}


def test_own_settings_are_those_that_fetch_packages(project: Path) -> None:
    taken = written(
        project.parent / "home",
        f"""; ours
registry = {ELSEWHERE}
@me:registry="https://mine.test/"
//files.test/:_authToken=${{SECRET}}
//mine.test:8443/npm/:_password=a\\;b;a comment
//mine.test:8443/npm/:certfile=~/cert.pem
cafile=ca.pem
ca[]=one
ca[]=two
strict-ssl=false
git=./evil.sh
script-shell=./evil.sh
node-options=--require ./evil.js
ignore-scripts=false
allow-git=all
prefix=./here
_authToken=everywhere
[section]
registry=https://other.test/
""",
    )
    home = str(project.parent / "home")
    assert taken == {
        "registry": ELSEWHERE,
        "@me:registry": "https://mine.test/",
        "//files.test/:_authToken": 'w;#"=\\${rd}',
        "//mine.test:8443/npm/:_password": "a;b",
        "//mine.test:8443/npm/:certfile": f"{home}/cert.pem",
        "cafile": f"{home}/ca.pem",
        "ca[]": "two",
        "strict-ssl": "false",
    }
    assert settings.read().text.count("ca[]=") == 2


def test_a_project_decides_less(project: Path) -> None:
    (project.parent / "home" / ".npmrc").write_text("registry=https://mine.test/\nfetch-retries=1\n")
    text = f"registry={ELSEWHERE}\nproxy=http://files.test/\ncache=./here\nstrict-ssl=false\ngit=./evil.sh\n"
    text += "//files.test/:_authToken=own\n//files.test/:keyfile=/home/me/key\n//mine.test/:_authToken=${SECRET}\n"
    assert written(project, text) == {
        "fetch-retries": "1",
        "registry": ELSEWHERE,
        "//files.test/:_authToken": "own",
        "//mine.test/:_authToken": 'w;#"=\\${rd}',
    }
    assert settings.read().registries == (PUBLIC, "https://mine.test/", ELSEWHERE)


@pytest.mark.parametrize(
    "line",
    [
        "//files.test/:_authToken=${SECRET}",
        "//files.test/:_password=a${SECRET?}",
        "//registry.npmjs.org.files.test/:_authToken=${SECRET}",
        "//registry.npmjs.org@files.test/:_authToken=${SECRET}",
        "//${SECRET}.files.test/:_authToken=word",
        "registry=https://files.test/${SECRET}/",
        "@me:registry=https://${SECRET}.files.test/",
    ],
)
def test_a_project_sends_no_variable_to_a_stranger(project: Path, line: str) -> None:
    with pytest.raises(UsageError, match=r"\.npmrc:2: a variable is not filled in") as raised:
        written(project, f"registry={ELSEWHERE}\n{line}\n")
    assert os.environ["SECRET"] not in str(raised.value)


@pytest.mark.parametrize("name", ["npm_config_registry", "NPM_CONFIG_REGISTRY"])
def test_a_variable_wins_and_vouches_for_its_host(project: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv("npm_config_registry", raising=False)
    monkeypatch.setenv(name, "https://ci.test/")
    monkeypatch.setenv("npm_config_git", "./evil.sh")
    monkeypatch.setenv("NPM_CONFIG_SCRIPT_SHELL", "./evil.sh")
    assert written(project, f"registry={ELSEWHERE}\n//ci.test/:_authToken=${{SECRET}}\n") == {
        "//ci.test/:_authToken": 'w;#"=\\${rd}',
    }
    env = settings.read().environment(project / "npm")
    assert env["npm_config_registry"] == "https://ci.test/"
    assert not [key for key in env if key.lower() in {"npm_config_git", "npm_config_script_shell"}]


def test_npm_has_a_home_of_its_own_and_no_programs(project: Path) -> None:
    home = project / "npm"
    env = settings.read().environment(home)
    assert env["HOME"] == env["USERPROFILE"] == str(home)
    assert list(Path(env["PATH"]).iterdir()) == []
    assert env["npm_config_cache"] == str(project.parent / "home" / ".npm")
    assert stat.S_IMODE((home / ".npmrc").stat().st_mode) == 0o600


@pytest.mark.parametrize("place", ["home", "project"])
def test_settings_start_no_program(
    program: Callable[[str], str], project: Path, npm_registry: Path, place: str
) -> None:
    program("npm")
    marker = project / "marker"
    script = project / "evil.sh"
    script.write_text(f"#!/bin/sh\n: >{marker}\n")
    script.chmod(0o755)
    (project / "evil.js").write_text(f"require('fs').writeFileSync({str(marker)!r}, '')")
    (project.parent / place / ".npmrc").write_text(
        f"git={script}\nscript-shell={script}\nshell={script}\neditor={script}\nignore-scripts=false\n"
        f"node-options=--require {project}/evil.js\nallow-git=all\nallow-remote=all\n"
    )
    package(npm_registry, "mine", scripts={"install": "true"})
    npm.install(MANIFEST, npm.lock(MANIFEST, None), X86_64, project / "installed")
    assert (project / "installed" / "node_modules" / "mine").is_dir()
    assert not marker.exists()
