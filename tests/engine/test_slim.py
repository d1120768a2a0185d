"""`layerwright slim --suggest` on the real engine: what tests open is seen, and the rest can go."""

import re
from pathlib import Path

import pytest
import tomli
from kit.commands import layerwright, pip_recipe, write_recipe
from kit.podman import podman_environment
from kit.wheels import Index, make_wheel

pytestmark = pytest.mark.usefixtures("engine")
LARGE = "x" * 300_000
FILES = {
    "a/__init__.py": "from a import lazy\n",
    "a/lazy.py": f"TEXT = '{LARGE}'\n",
    "a/never.py": f"TEXT = '{LARGE}'\n",
    "a/data/read.txt": LARGE,
    "a/data/looked_for.txt": LARGE,
    "a/models/one.bin": LARGE,
    "a/models/deep/two.bin": LARGE,
}
WORK = "import os, a; f = os.path.dirname(a.__file__); len(open(f + '/data/read.txt').read()); "
WORK += "assert os.path.exists(f + '/data/looked_for.txt'); os.listdir(f + '/models')"
TEST = f'[[test]]\npython = """{WORK}"""\n'
PRUNED = ["/python/a/models/", "/python/a/data/looked_for.txt", "/python/a/never.py"]


def patterns(out: str) -> list[str]:
    return sorted(tomli.loads(out)["slim"]["prune"])


@pytest.mark.parametrize("engine_name", ["docker", "podman"])
def test_what_tests_never_open_is_listed_as_lines_of_prune(tmp_path: Path, index: Index, engine_name: str) -> None:
    env = podman_environment(tmp_path) if engine_name == "podman" else {}
    make_wheel(index.folder, "a", "1.0", files={name: text.encode() for name, text in FILES.items()})
    text = pip_recipe("a", "a=={version}", architectures=("x86_64",), more=TEST)
    write_recipe(tmp_path, "a", text)
    assert "--only a-1.0-python3.13-x86_64" in layerwright("slim", "a", "--suggest", cwd=tmp_path, env=env).err
    assert layerwright("build", "a", cwd=tmp_path).code == 0
    said = layerwright("slim", "a", "--suggest", cwd=tmp_path, env=env)
    assert said.code == 0, said.err
    named = [one for one in patterns(said.out) if not one.endswith((".pyc", "__pycache__/"))]
    assert named == sorted(PRUNED)
    assert re.search(r"/python/a/models/\",  # 0\.6 MB, 2 files", said.out)
    assert "MB were not opened by 1 tests" in said.err
    assert "only looked for" in said.err


def test_a_layer_that_is_pruned_as_suggested_passes_its_tests(tmp_path: Path, index: Index) -> None:
    work = WORK.replace("os.path.exists(f + '/data/looked_for.txt')", "True").replace("os.listdir(f + '/models')", "0")
    test = f'[[test]]\npython = """{work}"""\n'
    make_wheel(index.folder, "a", "1.0", files={name: text.encode() for name, text in FILES.items()})
    text = pip_recipe("a", "a=={version}", architectures=("x86_64",), more=test)
    write_recipe(tmp_path, "a", text)
    assert layerwright("build", "a", cwd=tmp_path).code == 0
    said = layerwright("slim", "a", "--suggest", cwd=tmp_path)
    write_recipe(tmp_path, "a", text.replace(test, f"{said.out}\n{test}"))
    built = layerwright("build", "a", "--test", cwd=tmp_path)
    assert built.code == 0, built.err
    again = layerwright("slim", "a", "--suggest", cwd=tmp_path)
    assert again.out == "", again.out
    assert "the tests open all that is large" in again.err


def test_functions_and_default_tests_are_evidence_too(tmp_path: Path, index: Index) -> None:
    make_wheel(index.folder, "a", "1.0", files={name: text.encode() for name, text in FILES.items()})
    write_recipe(tmp_path, "a", pip_recipe("a", "a=={version}", architectures=("x86_64",)))
    assert layerwright("build", "a", cwd=tmp_path).code == 0
    said = layerwright("slim", "a", "--suggest", "--json", cwd=tmp_path)
    assert said.code == 0, said.err
    assert said.json["own_tests"] is False
    assert "the recipe has no tests" in said.err
    code = "import a\ndef handler(event, context):\n    return len(open(a.__path__[0] + '/models/one.bin').read())\n"
    test = f'[[test]]\ninvoke = {{ handler = "app.handler", code = """{code}""", response = 300000 }}\n'
    write_recipe(tmp_path, "a", pip_recipe("a", "a=={version}", architectures=("x86_64",), more=test))
    assert layerwright("build", "a", "--no-test", cwd=tmp_path).code == 0
    invoked = layerwright("slim", "a", "--suggest", "--json", cwd=tmp_path)
    assert invoked.code == 0, invoked.err
    paths = {row["path"] for row in invoked.json["unopened"]}
    assert "python/a/models/deep/" in paths
    assert "python/a/models/one.bin" not in paths


def test_without_suggest_it_says_what_it_is_for(tmp_path: Path) -> None:
    refused = layerwright("slim", "a", cwd=tmp_path)
    assert refused.code == 2
    assert "--suggest lists what could go as well" in refused.err
