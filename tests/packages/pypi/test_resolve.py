"""Resolving against an index of our own, so that every answer is known."""

import hashlib
from pathlib import Path

import pytest
from kit.wheels import Index, make_sdist, make_wheel, serve

from builder.base.errors import BuildError, LayerwrightError, UsageError
from builder.model.architectures import ARM64, X86_64
from builder.model.runtimes import runtime
from builder.packages.pypi.install import Pinned, install
from builder.packages.pypi.resolve import Wanted, best, newest_fitting, resolve

P313, P311 = runtime("python3.13"), runtime("python3.11")


def versions(*requirements: str) -> dict[str, str]:
    return {one.name: one.version for one in resolve(Wanted(requirements=requirements), P313, ARM64)}


def test_transitive_packages_come_along(index: Index) -> None:
    make_wheel(index.folder, "top", "1.0", requires=("below>=2",))
    make_wheel(index.folder, "below", "1.0")
    make_wheel(index.folder, "below", "2.1")
    assert versions("top") == {"top": "1.0", "below": "2.1"}


def test_markers_are_the_targets_not_the_hosts(index: Index) -> None:
    requires = ("arm; platform_machine == 'aarch64'", "win; sys_platform == 'win32'", "old; python_version < '3.13'")
    make_wheel(index.folder, "top", "1.0", requires=requires)
    for name in ("arm", "win", "old"):
        make_wheel(index.folder, name, "1.0")
    assert set(versions("top")) == {"top", "arm"}


def test_an_unpinned_package_steps_back_to_the_newest_version_that_fits(index: Index) -> None:
    make_wheel(index.folder, "a", "1.0", tag="cp311-cp311-manylinux_2_17_aarch64")
    make_wheel(index.folder, "a", "2.0", tag="cp311-cp311-manylinux_2_28_aarch64")
    found = resolve(Wanted(requirements=("a",)), P311, ARM64)
    assert found[0].version == "1.0"


def test_amazon_linux_2_takes_manylinux_2_26_which_uv_has_no_name_for(index: Index) -> None:
    make_wheel(index.folder, "a", "1.0", tag="cp311-cp311-manylinux_2_26_x86_64")
    found = resolve(Wanted(requirements=("a==1.0",)), P311, X86_64)
    assert best(found[0], P311, X86_64) is not None


def test_no_fitting_wheel_names_the_tags_and_the_newest_version_that_fits(index: Index) -> None:
    make_wheel(index.folder, "a", "1.4", tag="cp311-cp311-manylinux_2_17_aarch64")
    make_wheel(index.folder, "a", "2.0", tag="cp311-cp311-manylinux_2_28_aarch64")
    with pytest.raises(BuildError) as caught:
        resolve(Wanted(requirements=("a==2.0",)), P311, ARM64)
    text = str(caught.value)
    assert "no wheel of a fits python3.11 on arm64" in text
    assert "a 2.0 has wheels for: cp311-cp311-manylinux_2_28_aarch64" in text
    assert "required: cp311, abi3 or none for manylinux_2_26_aarch64 or older (Amazon Linux 2 has glibc 2.26)" in text
    assert "hint: a==1.4 is the newest with a wheel that fits" in text
    assert caught.value.exit_code == 4


def test_a_dependency_without_a_wheel_is_the_one_that_is_named(index: Index) -> None:
    make_wheel(index.folder, "top", "1.0", requires=("native==3.0",))
    make_wheel(index.folder, "native", "3.0", tag="cp313-cp313-win_amd64")
    with pytest.raises(BuildError, match="no wheel of native fits") as caught:
        resolve(Wanted(requirements=("top",)), P313, ARM64)
    assert "no version of native has a wheel that fits: it must be compiled" in str(caught.value)
    assert newest_fitting("native", P313, ARM64) is None


def test_no_setup_py_is_ever_executed(index: Index, tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    setup = f"open({str(marker)!r}, 'w').close()\nfrom setuptools import setup\nsetup(name='evil', version='1.0')\n"
    make_sdist(index.folder, "evil", "1.0", setup)
    local = tmp_path / "local"
    local.mkdir()
    (local / "setup.py").write_text(setup)
    for requirement in ("evil", f"evil @ {local.as_uri()}"):
        with pytest.raises(LayerwrightError) as caught:
            resolve(Wanted(requirements=(requirement,), wheels_only=True), P313, ARM64)
        assert caught.value.exit_code in {2, 4}
        assert not marker.exists()
    for requirement in ("evil", local.as_uri()):
        found = resolve(Wanted(requirements=(requirement,)), P313, ARM64)
        assert [(one.name, one.wheels, one.sdist is not None) for one in found] == [("evil", (), True)]
        assert not marker.exists()


def test_an_index_that_does_not_answer_is_named_with_the_proxy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://someone:secret@127.0.0.1:9/simple")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("HTTPS_PROXY", "http://me:hidden@127.0.0.1:3128")
    with pytest.raises(UsageError) as caught:
        resolve(Wanted(requirements=("a",)), P313, ARM64)
    text = str(caught.value)
    assert "the package index did not respond: http://127.0.0.1:9/simple/a/" in text
    assert "HTTPS_PROXY=http://127.0.0.1:3128" in text
    assert "secret" not in text
    assert "hidden" not in text


def test_a_package_that_is_not_there_is_named(index: Index) -> None:
    make_wheel(index.folder, "other", "1.0")
    with pytest.raises(BuildError, match="numpyy") as caught:
        resolve(Wanted(requirements=("numpyy",)), P313, ARM64)
    assert "check the spelling" in str(caught.value)


def test_a_local_wheel_works_and_leaves_no_address(tmp_path: Path, index: Index) -> None:
    make_wheel(index.folder, "below", "1.0")
    path = make_wheel(tmp_path, "mine", "1.0", requires=("below",))
    found = {one.name: one for one in resolve(Wanted(requirements=(f"mine @ {path.as_uri()}",)), P313, ARM64)}
    assert set(found) == {"mine", "below"}
    wheel = best(found["mine"], P313, ARM64)
    assert wheel is not None
    pinned = Pinned(
        name="mine", version="1.0", filename=wheel.filename, sha256=wheel.sha256, direct=found["mine"].direct
    )
    install([pinned], P313, ARM64, tmp_path / "out")
    assert (tmp_path / "out" / "mine" / "__init__.py").is_file()


def test_a_requirements_file_brings_what_it_names(tmp_path: Path, index: Index) -> None:
    make_wheel(index.folder, "a", "1.0")
    make_wheel(index.folder, "b", "1.0")
    (tmp_path / "more.txt").write_text("b\n")
    (tmp_path / "requirements.txt").write_text("a\n-r more.txt\n")
    found = resolve(Wanted(files=(tmp_path / "requirements.txt",)), P313, ARM64)
    assert [one.name for one in found] == ["a", "b"]


def test_credentials_of_a_private_index_are_used_and_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "private"
    folder.mkdir()
    make_wheel(folder, "a", "1.0")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    with serve(folder, credentials="robot:secret") as private:
        monkeypatch.setenv("UV_DEFAULT_INDEX", private.url)
        found = resolve(Wanted(requirements=("a",)), P313, ARM64)
        assert "secret" not in repr(found)
        wheel = found[0].wheels[0]
        install([Pinned(name="a", version="1.0", filename=wheel.filename, sha256=wheel.sha256)], P313, ARM64, tmp_path)
        monkeypatch.setenv("UV_DEFAULT_INDEX", private.url.replace("secret", "wrong"))
        monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "other"))
        with pytest.raises(LayerwrightError) as caught:
            resolve(Wanted(requirements=("a",)), P313, ARM64)
        assert "wrong" not in str(caught.value)
        assert "the index refused the credentials" in str(caught.value)
    assert (tmp_path / "a" / "__init__.py").is_file()


def test_a_wrong_hash_installs_nothing(tmp_path: Path, index: Index) -> None:
    path = make_wheel(index.folder, "a", "1.0")
    wrong = Pinned(name="a", version="1.0", filename=path.name, sha256="0" * 64)
    with pytest.raises(BuildError, match="could not install") as caught:
        install([wrong], P313, ARM64, tmp_path / "out")
    assert "hash" in str(caught.value).casefold()
    assert not (tmp_path / "out" / "a").exists()


def test_a_package_that_excludes_first_patch_releases_is_found(index: Index) -> None:
    path = make_wheel(index.folder, "a", "2.0", requires_python="!=3.9.0,!=3.9.1,>=3.8")
    make_wheel(index.folder, "a", "1.0")
    found = resolve(Wanted(requirements=("a",)), runtime("python3.9"), ARM64)
    assert found[0].wheels[0].filename == path.name


def test_a_users_link_mode_puts_no_links_into_the_layer(
    tmp_path: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(index.folder, "a", "1.0")
    monkeypatch.setenv("UV_LINK_MODE", "symlink")
    wheel = resolve(Wanted(requirements=("a",)), P313, ARM64)[0].wheels[0]
    install(
        [Pinned(name="a", version="1.0", filename=wheel.filename, sha256=wheel.sha256)], P313, ARM64, tmp_path / "o"
    )
    assert not [one for one in (tmp_path / "o").rglob("*") if one.is_symlink()]


def test_an_index_without_hashes_is_installed_from_by_the_hash_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_wheel(tmp_path, "a", "1.0")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    with serve(tmp_path, hashes=False) as plain:
        monkeypatch.setenv("UV_DEFAULT_INDEX", plain.url)
        found = resolve(Wanted(requirements=("a",)), P313, ARM64)
    assert found[0].wheels[0].sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.network
def test_numpy_2_3_on_amazon_linux_2_is_the_famous_case() -> None:
    with pytest.raises(BuildError) as caught:
        resolve(Wanted(requirements=("numpy==2.3.2",), wheels_only=True), P311, ARM64)
    text = str(caught.value)
    assert "cp311-cp311-manylinux_2_27_aarch64.manylinux_2_28_aarch64" in text
    assert "numpy==2.2.6 is the newest with a wheel that fits" in text


def test_what_a_compiled_package_requires_is_read_from_its_sdist(index: Index, tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    make_wheel(index.folder, "below", "1.0")
    make_wheel(index.folder, "extra", "1.0")
    setup = f"open({str(marker)!r}, 'w').close()"
    egg = "below>=1\n\n[:python_version >= '3.13']\nextra\n\n[docs]\nsphinx\n"
    make_sdist(index.folder, "native", "2.0", setup, {"native.egg-info/requires.txt": egg})
    found = resolve(Wanted(requirements=("native",)), P313, ARM64)
    assert {one.name: bool(one.wheels) for one in found} == {"native": False, "below": True, "extra": True}
    assert not marker.exists()


def test_a_package_that_shall_be_compiled_is_though_a_wheel_fits(index: Index) -> None:
    make_wheel(index.folder, "a", "1.0")
    make_sdist(index.folder, "a", "1.0", "")
    found = resolve(Wanted(requirements=("a",), sources=frozenset({"a"})), P313, ARM64)
    assert found[0].wheels == ()
    assert found[0].sdist is not None
    assert found[0].sdist.filename == "a-1.0.tar.gz"


@pytest.mark.parametrize("others", ["nothing", "the system", "the project"])
def test_settings_of_the_user_count_where_metadata_is_handed_over(
    others: str, index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_sdist(index.folder, "native", "1.0", "raise SystemExit")
    places = {"the system": tmp_path / "system" / "uv", "the project": tmp_path}
    for folder in (tmp_path / "home" / "uv", *places.values()):
        folder.mkdir(parents=True, exist_ok=True)
    (tmp_path / "home" / "uv" / "uv.toml").write_text(f'[[index]]\nurl = "{index.url}"\n', encoding="utf-8")
    if others in places:
        text = f'[[index]]\nurl = "{index.url}stranger/"\ndefault = true\n[pip]\nno-index = true\n'
        (places[others] / "uv.toml").write_text(text.replace("no-index", "no-annotate"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("UV_DEFAULT_INDEX")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "system"))
    found = resolve(Wanted(requirements=("native",)), P313, ARM64)
    assert found[0].sdist is not None
