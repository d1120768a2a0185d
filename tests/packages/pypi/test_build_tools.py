"""Build tools from the package index, as containers get them."""

import subprocess
from pathlib import Path

from builder.model.architectures import host_architecture
from builder.packages.pypi import build_tools


def test_programs_run_from_the_folder_that_a_container_gets(tmp_path: Path) -> None:
    arch = host_architecture()
    assert arch
    build_tools.write(["cmake", "meson", "ninja"], tmp_path, arch)
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "CMakeLists.txt").write_text("cmake_minimum_required(VERSION 3.15)\nproject(x NONE)\n")
    for command in (["cmake", "-S", "x", "-B", "y", "-GNinja"], ["ninja", "-C", "y"], ["meson", "--version"]):
        env = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin"}
        subprocess.run([tmp_path / "bin" / command[0], *command[1:]], cwd=tmp_path, env=env, check=True)
    assert not [path.name for path in tmp_path.iterdir() if path.name.endswith(("dist-info", "data"))]
