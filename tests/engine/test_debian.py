"""The script behind `make engine` says what it installs, removes nothing, and follows security updates.

It runs in a root of Debian 12 made for this purpose, with apt's real resolver and archive.
"""

import contextlib
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "builder" / "engine" / "debian.sh"
_STOPPED = 42
_APT = f"""#!/bin/sh
for word; do [ "$word" != -s ] || exec /usr/bin/apt-get "$@"; done
[ "$1" != install ] || {{ echo "$*" >/installed; exit {_STOPPED}; }}
exec /usr/bin/apt-get "$@"
"""
"""apt-get that does everything but install: a daemon of this root would meddle with that of the host."""


def in_root(root: Path, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
    return subprocess.run(
        ["chroot", str(root), *command], env=environment, capture_output=True, encoding="utf-8", check=check
    )


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield a root of Debian 12 without an engine."""
    root = tmp_path_factory.mktemp("debian") / "root"
    subprocess.run(
        ["mmdebstrap", "--quiet", "--variant=minbase", "--include=binfmt-support,procps", "bookworm", str(root)],
        check=True,
        capture_output=True,
    )
    for name in ("resolv.conf", "hosts"):
        shutil.copy(Path("/etc") / name, root / "etc" / name)
    shutil.copy(SCRIPT, root / "debian.sh")
    (root / "usr/local/bin/apt-get").write_text(_APT)
    (root / "usr/local/bin/apt-get").chmod(0o755)
    subprocess.run(["mount", "-t", "proc", "proc", str(root / "proc")], check=True)
    try:
        yield root
    finally:
        subprocess.run(["umount", "--lazy", str(root / "proc")], check=True)
        shutil.rmtree(root, ignore_errors=True)


@contextlib.contextmanager
def package(root: Path, name: str, **fields: str) -> Iterator[None]:
    """Install an empty package with these fields while the block runs."""
    folder = root / "made" / name
    (folder / "DEBIAN").mkdir(parents=True)
    control = {"Package": name, "Version": "99", "Architecture": "all", "Maintainer": "a", "Description": "b", **fields}
    (folder / "DEBIAN/control").write_text("".join(f"{key}: {value}\n" for key, value in control.items()))
    in_root(root, "dpkg-deb", "--build", f"/made/{name}", f"/made/{name}.deb")
    in_root(root, "dpkg", "--install", f"/made/{name}.deb")
    try:
        yield
    finally:
        in_root(root, "dpkg", "--purge", name)
        shutil.rmtree(folder)


def names(root: Path) -> set[str]:
    return set(in_root(root, "dpkg-query", "-W", "-f", "${Package}\n").stdout.split())


@pytest.fixture
def _as_root(program: Callable[[str], str]) -> None:
    program("mmdebstrap")
    program("chroot")


@pytest.mark.long
@pytest.mark.usefixtures("_as_root", "engine")
def test_another_docker_is_kept_and_named(debian: Path) -> None:
    others = {"Provides": "containerd, runc", "Conflicts": "containerd, runc"}
    with package(debian, "containerd.io", **others), package(debian, "docker-ce-cli"):
        before = names(debian)
        done = in_root(debian, "sh", "/debian.sh", check=False)
        assert done.returncode == 7
        assert "error: installing docker.io" in done.stderr
        removed = done.stderr.partition(" would remove ")[2].splitlines()[0].split()
        assert set(removed) == {"containerd.io", "docker-ce-cli"}
        assert "hint: another Docker is installed" in done.stderr
        assert names(debian) == before >= {"containerd.io", "docker-ce-cli"}
    assert not (debian / "installed").exists()
    assert not (debian / "etc/docker").exists()


@pytest.mark.long
@pytest.mark.usefixtures("_as_root", "engine")
def test_what_is_installed_is_said_first_and_followed_with_security_updates(debian: Path) -> None:
    done = in_root(debian, "sh", "/debian.sh", check=False)
    assert done.returncode == _STOPPED, done.stderr
    said = done.stderr.partition("engine: installing ")[2].split()
    assert {"docker.io", "docker-cli", "docker-buildx", "containerd", "qemu-user-static"} <= set(said)
    assert "libc6" not in said
    asked = (debian / "installed").read_text().split()
    assert {"--no-remove", "docker.io"} <= set(asked)
    policy = in_root(debian, "apt-cache", "policy").stdout
    assert "trixie-security" in policy or "bookworm-security" not in policy
    for name in ("docker.io", "containerd", "docker-buildx"):
        known = in_root(debian, "apt-cache", "policy", name).stdout
        candidate = known.partition("Candidate: ")[2].split()[0]
        assert f"{candidate} 500" in known, known
    assert "libc6" not in in_root(debian, "/usr/bin/apt-get", "-s", "dist-upgrade").stdout


STORE = '{"features": {"containerd-snapshotter": true}}\n'
"""The settings that the script wrote before it limited the cache of builds."""


@pytest.fixture
def _running(debian: Path) -> Iterator[None]:
    """Install programs that play a running engine with all that the script asks for."""
    played = [debian / "usr/local/bin" / name for name in ("dockerd", "docker", "iptables")]
    for path in played:
        path.write_text("#!/bin/sh\necho 26.1\n")
        path.chmod(0o755)
    emulator = debian / "usr/bin/qemu-aarch64-static"
    emulator.touch()
    yield
    for path in (*played, emulator):
        path.unlink()


@pytest.mark.usefixtures("_as_root", "engine", "_running")
@pytest.mark.parametrize(
    ("settings", "by_the_script", "limited"),
    [(STORE, True, True), (STORE, False, False), ('{"debug": true}\n', True, False)],
)
def test_only_settings_of_its_own_get_a_limit_of_the_cache(
    debian: Path, settings: str, *, by_the_script: bool, limited: bool
) -> None:
    listed = debian / "etc/apt/sources.list.d/layerwright-engine.list"
    kept = listed.read_text() if listed.exists() else ""
    file = debian / "etc/docker/daemon.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(settings)
    listed.unlink(missing_ok=True)
    if by_the_script:
        listed.write_text(kept)
    try:
        done = in_root(debian, "sh", "/debian.sh")
        assert "engine: running" in done.stderr
        after = json.loads(file.read_text())
        assert after == json.loads(settings) | ({"builder": after["builder"]} if limited else {})
        assert not limited or after["builder"]["gc"] == {"enabled": True, "defaultKeepStorage": "12GB"}
    finally:
        shutil.rmtree(file.parent)
        listed.write_text(kept)
