"""Builds on the real engine: the inputs of steps, the layers, and the errors of failed builds."""

import os
import re
import signal
import subprocess
import sys
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kit import standin
from kit.commands import ROOT, Result, layerwright, layerwright_process, write_recipe
from kit.compiled import recipe, script, source_archive
from kit.engine import docker
from kit.wheels import make_sdist, serve
from uv import find_uv_bin

from builder.base import cache_paths, caches
from builder.base.emitter import Events
from builder.base.errors import BuildError, LayerwrightError, UsageError
from builder.building import artifacts, compiling
from builder.building.job import Options
from builder.building.layer import Built, build
from builder.engine import client, host
from builder.engine.client import Engine
from builder.layer import manifest
from builder.model import recipes
from builder.model.target import targets
from builder.plan import keys
from builder.plan.mode import EngineOptions
from builder.plan.planning import plan

pytestmark = pytest.mark.usefixtures("engine")
TARGET = "a-1.0-provided.al2023-x86_64"


def made(folder: Path, text: str, **choice: object) -> Built:
    """Build a recipe in this process."""
    write_recipe(folder, "a", text)
    one = recipes.load(folder / "recipes", "a")
    options = Options(output=folder / "dist", containers=EngineOptions(**choice))  # type: ignore[arg-type]
    return build(one, targets(one.recipe)[0], options, Events())


def refused(folder: Path, text: str, **choice: object) -> LayerwrightError:
    """Build a recipe that must fail, and return why; nothing of it may be left."""
    with pytest.raises(LayerwrightError) as caught:
        made(folder, text, **choice)
    assert {path.name for path in (folder / "dist").glob("*")} <= {".gitignore"}
    return caught.value


def content(built: Built) -> dict[str, bytes]:
    with zipfile.ZipFile(built.path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


# ---- what steps get ------------------------------------------------------------------------------------------------


def test_a_script_gets_its_values_as_environment_and_nothing_else(engine: Engine, tmp_path: Path) -> None:
    wanted = "PREFIX SRC VERSION NAME ARCH MACHINE RUNTIME JOBS SOURCE_DATE_EPOCH CFLAGS LDFLAGS MINE RECIPE"
    digest, _ = source_archive({"file.txt": "here"})
    run = f"""
        mkdir -p "$PREFIX/bin"
        for name in {wanted}; do eval "echo $name=\\"\\${{$name}}\\"" >> "$PREFIX/bin/values"; done
        cat file.txt "$RECIPE/beside.txt" > "$PREFIX/bin/read"
        ln -s read "$PREFIX/bin/link"
        printf '#!/bin/sh\\n' > "$PREFIX/bin/program"; chmod 700 "$PREFIX/bin/program"
        umask 077; echo private > "$PREFIX/bin/private"; ln "$PREFIX/bin/private" "$PREFIX/bin/twin"
    """
    mine = 'env = { MINE = "it\'s $(touch /opt/bin/evil) `x` \\"" }'
    source = f'[[source]]\nname = "thing"\nurl = "http://127.0.0.1:9/thing-1.0.tar.gz"\nsha256 = "{digest}"\n'
    folder = tmp_path / "recipes" / "a"
    folder.mkdir(parents=True)
    (folder / "beside.txt").write_text(" and beside")
    built = made(tmp_path, recipe(source + script(run, mine)))
    files = content(built)
    values = dict(line.split("=", 1) for line in files["bin/values"].decode().splitlines())
    assert values["PREFIX"] == "/opt"
    assert values["SRC"].endswith("/thing/thing-1.0")
    assert (values["NAME"], values["VERSION"], values["ARCH"], values["MACHINE"]) == ("a", "1.0", "x86_64", "x86_64")
    assert (values["RUNTIME"], values["SOURCE_DATE_EPOCH"]) == ("provided.al2023", "315532800")
    assert int(values["JOBS"]) >= 1
    assert "-march=x86-64 " in values["CFLAGS"]
    assert "--as-needed" in values["LDFLAGS"]
    assert values["MINE"] == "it's $(touch /opt/bin/evil) `x` \""
    assert files["bin/read"] == b"here and beside"
    assert files["bin/twin"] == files["bin/private"] == b"private\n"
    assert "bin/evil" not in files
    with zipfile.ZipFile(built.path) as archive:
        modes = {info.filename: info.external_attr >> 16 & 0o777 for info in archive.infolist()}
    assert (modes["bin/program"], modes["bin/private"], modes["bin/link"]) == (0o755, 0o644, 0o777)
    assert files["bin/link"] == b"read"
    assert built.manifest.route == engine.mode(targets(recipes.load(tmp_path / "recipes", "a").recipe)[0].arch)


def test_each_build_system_gets_prefix_flags_and_options_as_single_words(tmp_path: Path) -> None:
    rules = "all:\\n\\t@true\\ninstall:\\n\\tmkdir -p /opt/bin; cp args /opt/bin/auto\\n"
    configure = f'#!/bin/sh\necho "$@" > args\nprintf "{rules}" > Makefile\n'
    auto, _ = source_archive({"configure": configure}, "auto/")
    makefile = (
        "all:\n\t@test $(PREFIX) = /opt\ninstall:\n\tmkdir -p $(PREFIX)/bin\n\techo '$(WORDS)' > $(PREFIX)/bin/make\n"
    )
    plain, _ = source_archive({"Makefile": makefile, "other": ""}, "")
    text = "".join(
        f'[[source]]\nname = "{name}"\nurl = "http://127.0.0.1:9/{name}.tgz"\nsha256 = "{digest}"\n'
        for name, digest in (("auto", auto), ("plain", plain))
    )
    text += '[[step]]\nuses = "source"\nsource = "auto"\noptions = ["--with=$(touch /opt/bin/evil)", "a b; c"]\n'
    text += '[[step]]\nuses = "source"\nsource = "plain"\nbuild = "make"\noptions = ["WORDS=x; touch /opt/bin/evil2"]\n'
    files = content(made(tmp_path, recipe(text)))
    assert files["bin/auto"] == b"--prefix=/opt --libdir=/opt/lib --with=$(touch /opt/bin/evil) a b; c\n"
    assert files["bin/make"] == b"x; touch /opt/bin/evil2\n"
    assert {name for name in files if "evil" in name} == set()


def test_sources_and_scripts_have_no_network_unless_they_say_so(tmp_path: Path) -> None:
    look = 'mkdir -p "$PREFIX/bin"; ls /sys/class/net | tr "\\n" " " > "$PREFIX/bin/devices"'
    assert content(made(tmp_path / "none", recipe(script(look))))["bin/devices"] == b"lo "
    assert b"eth0" in content(made(tmp_path / "all", recipe(script(look, "network = true"))))["bin/devices"]


def test_files_outside_of_opt_are_listed_and_left_out(tmp_path: Path) -> None:
    run = 'mkdir -p "$PREFIX/bin" /etc/thing; echo x | tee "$PREFIX/bin/x" /etc/thing/one /usr/two > /tmp/three'
    built = made(tmp_path, recipe(script(run)))
    assert list(content(built)) == ["bin/x"]
    note = next(note for note in built.notes if "outside of /opt" in note)
    assert "/etc/thing/one" in note
    assert "/usr/two" in note
    assert "three" not in note


def test_libraries_that_lambda_lacks_are_bundled_with_their_origin(tmp_path: Path) -> None:
    steps = '[[step]]\nuses = "packages"\ninstall = ["libpq-devel"]\n'
    steps += script(
        'mkdir -p "$PREFIX/bin"; echo "int PQlibVersion(void); int main() { return PQlibVersion() < 1; }" > a.c; '
        'gcc $CFLAGS -o "$PREFIX/bin/a" a.c $LDFLAGS -lpq'
    )
    built = made(tmp_path, recipe(steps))
    names = {row.soname: row for row in built.manifest.libraries}
    assert names["libpq.so.5"].package == "libpq"
    assert names["libpq.so.5"].by == "a"
    assert names["libpq.so.5"].license
    assert {f"lib/{name}" for name in names} < set(content(built))
    assert not {"libc.so.6", "libstdc++.so.6", "libz.so.1"} & set(names)
    texts = {name for name in content(built) if name.startswith("share/licenses/")}
    assert {row.package for row in names.values()} == {text.split("/")[2] for text in texts}
    assert b"PostgreSQL" in content(built)["share/licenses/libpq/COPYING"]
    stated = {row.package: row for row in built.manifest.licences}
    assert stated["libpq"].texts == ("share/licenses/libpq/COPYING",)
    assert not [row for row in built.manifest.findings if "share/" in (row.path or "")]
    without = made(tmp_path, recipe(steps, "[libraries]\nlicense = false"))
    assert set(content(without)) == set(content(built)) - texts
    only = made(tmp_path, recipe(steps, '[libraries]\nbundle = ["libpq.so.5"]'))
    assert {name for name in content(only) if name.startswith("lib/")} == {f"lib/{name}" for name in names}
    other = refused(tmp_path / "other", recipe(steps, '[libraries]\nbundle = ["libssl.so.1.1"]'))
    assert "bin/a needs `libpq.so.5`, which neither" in str(other)
    off = refused(tmp_path / "off", recipe(steps, '[libraries]\nbundle = "off"'))
    assert "bin/a needs `libpq.so.5`, which neither" in str(off)


# ---- what is kept --------------------------------------------------------------------------------------------------


def test_artifacts_are_reused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = script(
        'mkdir -p "$PREFIX/bin"; echo 1 | tee "$PREFIX/bin/x" "$PREFIX/bin/y"; date +%s%N > "$PREFIX/bin/when"'
    )
    before = content(made(tmp_path, recipe(steps)))
    monkeypatch.setenv("PATH", str(tmp_path))  # from here on there is no engine
    client.find.cache_clear()
    assert made(tmp_path, recipe(steps)).unchanged
    slimmer = made(tmp_path, recipe(steps, '[slim]\nprune = ["bin/y"]'))
    assert not slimmer.unchanged
    after = content(slimmer)
    assert set(before) - set(after) == {"bin/y"}
    assert before["bin/when"] == after["bin/when"]
    assert (
        refused(tmp_path / "other", recipe(script('mkdir -p "$PREFIX/bin"; echo 2 > "$PREFIX/bin/x"'))).exit_code == 7
    )


def test_a_damaged_artifact_is_built_again(tmp_path: Path) -> None:
    text = recipe(script('mkdir -p "$PREFIX/bin"; echo damaged > "$PREFIX/bin/x"'))
    first = content(made(tmp_path, text))
    for path in artifacts.folder().glob("*.tar"):
        path.write_bytes(path.read_bytes()[:700])
    (tmp_path / "dist" / f"{TARGET}.zip").unlink()
    assert content(made(tmp_path, text)) == first
    folders = {path.name for path in cache_paths.cache().iterdir() if path.is_dir()}
    assert {"parts", "logs"} <= folders <= set(caches.KINDS)


def test_two_builds_at_once_give_the_same_zip(tmp_path: Path) -> None:
    write_recipe(tmp_path, "a", recipe(script('mkdir -p "$PREFIX/bin"; sleep 1; echo twice > "$PREFIX/bin/x"')))
    command = [sys.executable, "-m", "builder", "build", "a"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    running = [
        subprocess.Popen(
            [*command, "-o", out], cwd=tmp_path, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        for out in ("one", "two", "one")
    ]
    errors = [process.communicate()[1].decode() for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], errors
    assert (tmp_path / "one" / f"{TARGET}.zip").read_bytes() == (tmp_path / "two" / f"{TARGET}.zip").read_bytes()


# ---- what goes wrong -----------------------------------------------------------------------------------------------


def test_the_first_error_of_the_compiler_is_shown(tmp_path: Path) -> None:
    run = 'printf "int main() {\\n  return nothing;\\n}\\n" > broken.c\necho going on\ngcc -c broken.c'
    error = refused(tmp_path, recipe(script(run)))
    assert error.exit_code == 4
    assert "step `step-1` failed" in str(error)
    assert error.why[0].startswith("broken.c:2:10: error: ")
    log = Path(re.findall(r"the full log is (\S+)", str(error))[0])
    assert "going on" in log.read_text(encoding="utf-8")


def test_a_script_stops_at_its_first_failing_line(tmp_path: Path) -> None:
    assert refused(tmp_path, recipe(script('false\nmkdir -p "$PREFIX/bin"'))).exit_code == 4
    error = refused(tmp_path, recipe(script('echo "$NO_SUCH"')))
    assert any("NO_SUCH" in line for line in error.why)


def test_an_unknown_package_of_the_system_is_reported_with_a_near_match(tmp_path: Path) -> None:
    steps = '[[step]]\nuses = "packages"\ninstall = ["libpq-dvel", "zip"]\n' + script("true")
    error = refused(tmp_path, recipe(steps))
    assert "no package is called `libpq-dvel`; did you mean `libpq-devel`?" in str(error)
    assert error.exit_code == 4


def test_a_build_that_leaves_opt_empty_is_an_error(tmp_path: Path) -> None:
    error = refused(tmp_path, recipe(script("true")))
    assert "leave the layer empty" in str(error)
    assert error.exit_code == 4


def test_an_image_that_cannot_be_pulled_names_the_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for registry in ("127.0.0.1:9/amazon", f"{standin.REGISTRY}/not-there"):
        monkeypatch.setenv("LAYERWRIGHT_REGISTRY", registry)
        error = refused(tmp_path, recipe(script("true")))
        assert "cannot be pulled" in str(error)
        assert "LAYERWRIGHT_REGISTRY" in str(error)
        assert error.exit_code == 4
    monkeypatch.setenv("LAYERWRIGHT_REGISTRY", "http://mirror")
    assert refused(tmp_path, recipe(script("true"))).exit_code == 2


def test_a_build_whose_registry_does_not_tell_the_digest_warns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = recipe(script('mkdir -p "$PREFIX/bin"; echo unpinned > "$PREFIX/bin/x"'))
    assert not [note for note in made(tmp_path, text).notes if "not pinned" in note]
    monkeypatch.setenv("LAYERWRIGHT_PINS", str(tmp_path))
    # An engine may reach a registry that we do not.
    monkeypatch.setattr("builder.engine.registry.digests", lambda _: ({}, [UsageError("silent")]))
    built = made(tmp_path, text)
    assert [note for note in built.notes if "is not pinned" in note]
    assert built.manifest.build_image
    assert built.manifest.build_image.digest is None


def test_a_build_that_exceeds_its_time_limit_is_stopped(tmp_path: Path) -> None:
    error = refused(tmp_path, recipe(script("sleep 321")), timeout=4.0)
    assert isinstance(error, BuildError)
    assert "took longer than" in str(error)
    assert gone("sleep 321")


def test_an_interrupt_leaves_no_container_no_file_and_130(tmp_path: Path) -> None:
    write_recipe(tmp_path, "a", recipe(script("sleep 322")))
    command = [sys.executable, "-m", "builder", "build", "a"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=tmp_path, env=env, stderr=subprocess.PIPE) as process:
        assert appears("sleep 322")
        process.send_signal(signal.SIGINT)
        error = process.communicate(timeout=90)[1].decode()
    assert process.returncode == 130
    assert "interrupted" in error
    assert not list((tmp_path / "dist").glob("[!.]*"))
    assert gone("sleep 322")


def running(words: str) -> bool:
    """Tell whether some process of this machine, in a container or not, is that command."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            # A script of coreutils has the multi-call program before it.
            if command == words or command.endswith(f"/{words}"):
                return True
        except OSError:
            continue
    return False


def waited(what: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def appears(words: str, seconds: float = 40) -> bool:
    return waited(lambda: running(words), seconds)


def gone(words: str) -> bool:
    return waited(lambda: not running(words), 15)


@pytest.mark.long
def test_an_engine_that_is_killed_during_a_build_is_reported(tmp_path: Path) -> None:
    write_recipe(tmp_path, "a", recipe(script("sleep 323")))
    command = [sys.executable, "-m", "builder", "build", "a"]
    with standin.daemon() as folder:
        env = {**os.environ, "PYTHONPATH": str(ROOT), "DOCKER_HOST": f"unix://{folder}/d.sock"}
        with subprocess.Popen(command, cwd=tmp_path, env=env, stderr=subprocess.PIPE) as process:
            assert appears("sleep 323", 300)  # a new daemon fetches the image first
            os.kill(int((folder / "pid").read_text()), signal.SIGKILL)
            error = process.communicate(timeout=60)[1].decode()
    subprocess.run(["pkill", "-f", "sleep 323"], check=False)
    assert process.returncode == 7, error
    assert "the connection to the container engine was lost during the build" in error
    assert not list((tmp_path / "dist").glob("[!.]*"))


def test_a_full_disk_of_the_engine_is_reported(tmp_path: Path) -> None:
    write_recipe(tmp_path, "a", recipe(script("true  # on a small disk")))
    with standin.daemon(size="300m") as folder:
        result = layerwright("build", "a", cwd=tmp_path, env={"DOCKER_HOST": f"unix://{folder}/d.sock"})
    assert result.code == 7, result.err
    assert "the disk of the container engine is full" in result.err
    assert "docker buildx prune" in result.err


# ---- secrets -------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("static_uv")
def test_secrets_are_available_to_steps_and_stored_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://user:proxy-pa55word@192.0.2.1:1")
    monkeypatch.setenv("MY_TOKEN", "t0ken-of-mine")
    (tmp_path / "netrc").write_text("machine x login y password netrc-pa55word\n")
    run = """
        test "$(ls /run/secrets)" = "$(printf '%s\n' layerwright-ca layerwright-environment netrc token)"
        test "$(cat /run/secrets/token)" = t0ken-of-mine
        test "$HTTPS_PROXY" = http://user:proxy-pa55word@192.0.2.1:1
        grep -q netrc-pa55word "$NETRC"
        test -s "$SSL_CERT_FILE"
        mkdir -p "$PREFIX/bin"; echo used > "$PREFIX/bin/x"
    """
    named = 'secrets = ["netrc", "token"]\nnetwork = true'
    write_recipe(tmp_path, "a", recipe(script(run, named)))
    given = ("--secret", "id=token,env=MY_TOKEN", "--secret", f"id=netrc,src={tmp_path / 'netrc'}")
    result = layerwright("build", "a", *given, cwd=tmp_path)
    assert result.code == 0, result.err
    told = docker("buildx", "du", "--verbose")
    cache = Path(os.environ["LAYERWRIGHT_CACHE"])
    written = [path for folder in (cache, tmp_path / "dist") for path in folder.rglob("*") if path.is_file()]
    everything = [result.out, result.err, told, *(path.read_bytes().decode("latin-1") for path in written)]
    words = ("proxy-pa55word", "t0ken-of-mine", "netrc-pa55word")
    for secret in words:
        assert not [text for text in everything if secret in text]
    with step_as_image(tmp_path, ("id=token,env=MY_TOKEN", f"id=netrc,src={tmp_path / 'netrc'}")) as image:
        history = docker("history", "--no-trunc", image)
        assert "layerwright/inside/script.sh" in history
        search = "find / -xdev -type f -exec grep -lF -e pa55word -e t0ken-of-mine {} +"
        look = f"test -s /opt/bin/x; {search} || true; echo looked"
        found = docker("run", "--rm", "--network=none", image, "sh", "-euc", look)
        assert found == "looked\n"
        assert not [secret for secret in words if secret in history + docker("image", "inspect", image)]
    again = layerwright("build", "a", "--rebuild", "--no-cache", cwd=tmp_path)
    assert again.code == 2
    assert "steps read the secrets netrc, token, which are not given" in again.err


@pytest.mark.usefixtures("static_uv")
def test_a_step_that_names_no_secret_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://user:proxy-pa55word@192.0.2.1:1")
    monkeypatch.setenv("MY_TOKEN", "t0ken-of-mine")
    run = """
        test ! -e /run/secrets || test -z "$(ls /run/secrets)"
        test -z "${HTTPS_PROXY:-}"
        mkdir -p "$PREFIX/bin"; echo used > "$PREFIX/bin/x"
    """
    write_recipe(tmp_path, "a", recipe(script(run)))
    result = layerwright("build", "a", "--secret", "id=token,env=MY_TOKEN", cwd=tmp_path)
    assert result.code == 0, result.err


@contextmanager
def step_as_image(folder: Path, given: tuple[str, ...]) -> Iterator[str]:
    """Keep the stage in which a recipe's only step ran as an image, with the secrets of a build."""
    loaded = recipes.load(folder / "recipes", "a")
    container = plan(loaded, targets(loaded.recipe)[0]).container
    assert container is not None
    choice = EngineOptions(secrets=tuple(host.parse_secret(text) for text in given))
    work = compiling.Work(container=container, folder=loaded.folder, options=choice)
    compiling.write_context(work, folder / "context", keys.parts(container))
    files = host.write_secrets(folder / "secrets", compiling.OWN_SECRETS, choice.secrets)
    tag = f"layerwright-test:{uuid.uuid4().hex[:12]}"
    secrets = [f"--secret=id={name},src={path}" for name, path in files.items()]
    docker("buildx", "build", "--load", f"--tag={tag}", "--target=step-1", *secrets, str(folder / "context"))
    try:
        yield tag
    finally:
        docker("image", "rm", "--force", tag)


@pytest.mark.usefixtures("static_uv")
def test_a_private_index_is_used_and_its_password_is_stored_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = tmp_path / "index"
    index.mkdir()
    subprocess.run(
        [
            find_uv_bin(),
            "tool",
            "run",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--dest",
            str(index),
            "setuptools==80.9.0",
        ],
        check=True,
    )
    setup = "from setuptools import Extension, setup\nsetup(name='native', version='1.0', "
    setup += "ext_modules=[Extension('native', ['n.c'])])\n"
    code = (
        '#include <Python.h>\nstatic struct PyModuleDef m = {PyModuleDef_HEAD_INIT, "native"};\n'
        "PyMODINIT_FUNC PyInit_native(void) { return PyModule_Create(&m); }\n"
    )
    make_sdist(index, "native", "1.0", setup, {"n.c": code})
    with serve(index, "reader:index-pa55word") as private:
        monkeypatch.setenv("UV_DEFAULT_INDEX", private.url)
        monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
        steps = '[[step]]\nuses = "pip"\nrequirements = ["native==1.0"]\n'
        built = made(tmp_path, recipe(steps, runtime="python3.13"), no_cache=True)
    assert [name for name in content(built) if name.endswith(".so")] == [
        "python/native.cpython-313-x86_64-linux-gnu.so"
    ]
    told = docker("buildx", "du", "--verbose")
    logs = (Path(os.environ["LAYERWRIGHT_CACHE"]) / "logs").rglob("*.log")
    for text in (
        told,
        manifest.render(built.manifest),
        built.path.read_bytes().decode("latin-1"),
        *(log.read_text() for log in logs),
    ):
        assert "index-pa55word" not in text


# ---- commands ------------------------------------------------------------------------------------------------------


def test_a_plan_shows_the_mode_the_image_and_the_dockerfile(tmp_path: Path) -> None:
    write_recipe(tmp_path, "a", recipe(script("make it"), arch="arm64"))
    result = layerwright("plan", "a", cwd=tmp_path)
    assert result.code == 0, result.err
    assert "compiled accelerated: compilers, build tools and" in result.out
    assert "FROM" not in result.out
    document = layerwright("plan", "a", "--json", cwd=tmp_path).json["plans"][0]
    text = document["dockerfile"]
    assert f"FROM --platform=linux/amd64 {standin.REGISTRY}/sam/build-provided.al2023:latest-x86_64@sha256:" in text
    assert f"FROM --platform=linux/arm64 {standin.REGISTRY}/sam/build-provided.al2023:latest-arm64@sha256:" in text
    assert "#   make it" in text
    assert (document["way"], document["node"]) == ("accelerated", None)
    assert document["route"] == "compile"
    assert document["build_image"]["digest"].startswith("sha256:")


def test_the_dockerfile_of_a_plan_is_built_without_layerwright(tmp_path: Path, engine: Engine) -> None:
    steps = script('mkdir -p "$PREFIX/bin"; printf "#!/bin/sh\\n" > "$PREFIX/bin/tool"; chmod 755 "$PREFIX/bin/tool"')
    write_recipe(tmp_path, "a", recipe(steps, arch=engine.architecture.name))
    result = layerwright("plan", "a", "--dockerfile", "context", cwd=tmp_path)
    assert result.code == 0, result.err
    docker("buildx", "build", "--output", str(tmp_path / "out"), str(tmp_path / "context"))
    by_hand = tmp_path / "out/tree/opt"
    built = layerwright("build", "a", "--no-test", cwd=tmp_path)
    assert built.code == 0, built.err
    (made,) = (tmp_path / "dist").glob("*.zip")
    with zipfile.ZipFile(made) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            path.relative_to(by_hand).as_posix(): path.read_bytes() for path in by_hand.rglob("*") if path.is_file()
        }
    again = layerwright("plan", "a", "--dockerfile", "context", cwd=tmp_path)
    assert again.code == 2
    assert "context is not empty" in again.err


def test_a_dockerfile_is_of_one_target(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_recipe(tmp_path, name, recipe(script("make it")).replace('"a"', f'"{name}"', 1))
    refused = layerwright("plan", "a", "b", "--dockerfile", "other", cwd=tmp_path)
    assert refused.code == 2
    assert "--dockerfile needs one target" in refused.err
    assert not (tmp_path / "other").exists()


def test_a_shell_opens_where_a_build_failed(tmp_path: Path) -> None:
    steps = script('echo there > "$PREFIX/first"') + script("false")
    write_recipe(tmp_path, "a", recipe(steps))
    assert layerwright("build", "a", cwd=tmp_path).code == 4
    script_of_user = 'cat /opt/first; echo "jobs $JOBS"; cat /layerwright/scripts/02.sh'
    result = layerwright_process("shell", "a", "--command", script_of_user, cwd=tmp_path)  # the client of Docker prints
    assert result.code == 0, result.err
    assert result.out.splitlines()[0] == "there"
    assert re.search(r"^jobs \d+$", result.out, re.MULTILINE)
    assert result.out.splitlines()[-1] == "false"
    assert layerwright_process("shell", "a", "-c", "exit 9", cwd=tmp_path).code == 9
    # Of its own containers: other tests run theirs at the same time.
    assert "layerwright-shell" not in docker("ps", "-a", "--format", "{{.Image}}")


def test_pins_are_written_checked_and_reported(tmp_path: Path) -> None:
    env = {"LAYERWRIGHT_PINS": str(tmp_path)}
    first = pin(tmp_path, env)
    assert first.code == 0, first.err
    file = tmp_path / "pins.127.0.0.1_5001.toml"
    assert file.read_text().count("sha256:") == 4
    assert len(first.out.splitlines()) == 4
    assert pin(tmp_path, env, "--check").code == 0
    file.write_text(re.sub(r"sha256:[0-9a-f]{64}", f"sha256:{'0' * 64}", file.read_text(), count=1))
    old = pin(tmp_path, env, "--check")
    assert old.code == 4
    assert "0000 -> sha256:" in old.out
    assert "0000" in file.read_text()
    nothing = pin(tmp_path, {**env, "LAYERWRIGHT_REGISTRY": f"{standin.REGISTRY}/nowhere"})
    assert nothing.code == 3
    assert "gave none of the 4 images" in nothing.err
    listed = layerwright("images", "list", cwd=tmp_path, env=env).out
    assert re.search(r"lambda/python:3.13-arm64 +sha256:", listed)
    assert re.search(r"lambda/nodejs:22-arm64 +not pinned", listed)


def pin(folder: Path, env: dict[str, str], *more: str) -> Result:
    return layerwright("images", "pin", "--runtime", "python3.13", *more, cwd=folder, env=env)


def test_the_doctor_finds_no_problem_on_this_machine(engine: Engine, tmp_path: Path) -> None:
    result = layerwright("doctor", cwd=tmp_path)
    assert result.code == 0, result.out
    assert f"docker {engine.version}" in result.out
    assert re.search(r"ok +arm64 +emulated", result.out)
    assert re.search(r"ok +pins +\d+ images", result.out)
