"""Keys of the shared cache: made once, read in every form that variables hold, and never shown."""

import stat
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from kit.commands import layerwright

from builder.base import processes, signing
from builder.base.errors import UsageError

SHA256 = "5" * 64


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return signing.generate(tmp_path_factory.mktemp("keys") / "team.cache")


def test_a_pair_is_written_for_this_user_only_and_never_overwritten(tmp_path: Path) -> None:
    made = layerwright("cache", "key", "team.cache", "--json", cwd=tmp_path)
    assert made.code == 0, made.err
    assert made.json == {"version": 1, "private": "team.cache.key", "public": "team.cache.pub"}
    paths = sorted(tmp_path.iterdir())
    assert [path.name for path in paths] == ["team.cache.key", "team.cache.pub"]
    if sys.platform != "win32":
        assert [stat.S_IMODE(path.stat().st_mode) for path in paths] == [0o600, 0o644]
    assert layerwright("cache", "key", "", cwd=tmp_path).code == 2
    before = [path.read_bytes() for path in paths]
    assert not any(line in made.out + made.err for data in before for line in data.decode().splitlines())
    for left in paths:  # one of the two is enough
        other = next(path for path in paths if path != left)
        content = other.read_bytes()
        other.unlink()
        again = layerwright("cache", "key", "team.cache", cwd=tmp_path)
        assert (again.code, list(tmp_path.iterdir())) == (2, [left])
        assert f"{left.name} exists" in again.err
        other.write_bytes(content)
    assert [path.read_bytes() for path in paths] == before
    nowhere = layerwright("cache", "key", "no/folder", cwd=tmp_path)
    assert nowhere.code == 2
    assert "cannot write no/folder.key" in nowhere.err


def test_a_signature_is_for_one_object_and_one_key(pair: tuple[Path, Path], tmp_path: Path) -> None:
    private, public = (signing.parse(str(path)) for path in pair)
    signature = private.sign("parts/a.tar", SHA256)
    assert public.verifies("parts/a.tar", SHA256, signature)
    assert not public.verifies("layers/a.tar", SHA256, signature)
    assert not public.verifies("parts/b.tar", SHA256, signature)
    assert not public.verifies("parts/a.tar", "6" * 64, signature)
    other = signing.parse(str(signing.generate(tmp_path / "other")[0]))
    assert not other.verifies("parts/a.tar", SHA256, signature)
    assert not public.verifies("parts/a.tar", SHA256, other.sign("parts/a.tar", SHA256))


@given(signature=st.text() | st.binary(max_size=80).map(lambda data: b64encode(data).decode()))
def test_what_is_no_signature_is_refused_without_an_error(pair: tuple[Path, Path], signature: str) -> None:
    assert not signing.parse(str(pair[1])).verifies("parts/a.tar", SHA256, signature)


@pytest.mark.parametrize("half", [0, 1])
def test_a_key_is_read_as_variables_hold_it(pair: tuple[Path, Path], half: int) -> None:
    path = pair[half]
    text = path.read_text(encoding="ascii")
    forms = (str(path), text, text.replace("\n", "\\n"), text.replace("\n", " "), text.replace("\n", "\r\n"))
    for form in forms:
        key = signing.parse(form)
        assert (key.private is None) == (half == 1)
        assert key.public == signing.parse(str(path)).public


def test_what_is_no_key_is_refused_and_not_shown(pair: tuple[Path, Path], tmp_path: Path) -> None:
    text = pair[0].read_text(encoding="ascii")
    secret = text.splitlines()[1]
    foreign = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    empty = tmp_path / "empty"
    empty.touch()
    for given_key in (
        secret,  # without the lines around it
        text.replace(secret, secret[:-8]),
        text.replace(secret, f"{secret[:-9]}!{secret[-8:]}"),
        text.replace("PRIVATE", "PUBLIC"),
        text.replace("PRIVATE", "ENCRYPTED PRIVATE"),
        foreign.decode(),
        str(empty),
        str(tmp_path),
        str(tmp_path / "none"),
        "a\0b",
        secret * 100,
    ):
        with pytest.raises(UsageError) as caught:
            signing.parse(given_key)
        assert signing.VARIABLE in caught.value.what
        assert secret[10:30] not in str(caught.value)
        assert "cache key" in str(caught.value)


def test_children_do_not_get_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(signing.VARIABLE, "secret")
    monkeypatch.setenv("OTHER", "given")
    shown = [sys.executable, "-c", "import os; print(os.environ)"]
    for env in (None, {signing.VARIABLE: "secret", "OTHER": "given", "PATH": "", "SYSTEMROOT": "C:\\Windows"}):
        output = processes.run(shown, env=env).stdout
        assert "given" in output
        assert signing.VARIABLE not in output


def test_the_library_is_loaded_only_when_keys_are_used() -> None:
    code = "import sys, builder.base.remote, builder.cli.machine; print('cryptography' in sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "False"
