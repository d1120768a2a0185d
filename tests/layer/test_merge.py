import itertools
import json
from pathlib import Path

import pytest
from kit import fleet, zips
from kit.commands import layerwright
from kit.zips import tree

from builder.layer import checks, manifest
from builder.layer.merge import CHECKS, StackedLayer, merge

WHERE = ("--runtime", "python3.13", "--arch", "x86_64")
INFO = "python/{0}-{1}.dist-info/METADATA"


def test_the_last_layer_wins_and_what_it_hides_is_known() -> None:
    files = {"python/a.py": b"1", "python/b.py": b"1", "bin/x": b"same"}
    first = StackedLayer(name="first", tree=tree(files), packages=())
    second = StackedLayer(name="second", tree=tree({"python/a.py": b"2", "bin/x": b"same"}), packages=())
    merged = merge([first, second])
    assert {one.path: one.content.read() for one in merged.tree} == {
        "bin/x": b"same",
        "python/a.py": b"2",
        "python/b.py": b"1",
    }
    assert merged.origin == {"bin/x": "second", "python/a.py": "second", "python/b.py": "first"}
    assert merged.hidden == (("python/a.py", "second", "first"),)
    backwards = merge([second, first])
    assert backwards.hidden == (("python/a.py", "first", "second"),)


def layers(folder: Path, *contents: dict[str, bytes]) -> list[str]:
    return [zips.write(folder / f"{number}.zip", files).name for number, files in enumerate(contents, 1)]


def test_two_versions_of_a_package_clash(tmp_path: Path) -> None:
    names = layers(
        tmp_path,
        {"python/numpy/__init__.py": b"1", INFO.format("numpy", "2.1.0"): b""},
        {"python/numpy/__init__.py": b"2", INFO.format("numpy", "2.2.0"): b""},
    )
    result = layerwright("check", *names, *WHERE, cwd=tmp_path)
    assert result.code == 5
    assert "gets numpy in 2 versions: 2.1.0 in 1.zip, 2.2.0 in 2.zip" in result.out + result.err
    assert "2.zip wins over 1.zip" in result.out + result.err
    assert layerwright("check", *names, "--separately", *WHERE, cwd=tmp_path).code == 0
    document = layerwright("check", *names, "--json", *WHERE, cwd=tmp_path).json
    assert [one["fit"] for one in document["checked"]] == [True, True]
    assert (document["together"]["fit"], document["together"]["layers"]) == (False, names)


def test_sarif_knows_the_rules_of_layers_together(tmp_path: Path) -> None:
    names = layers(
        tmp_path,
        {"python/numpy/__init__.py": b"1", INFO.format("numpy", "2.1.0"): b""},
        {"python/numpy/__init__.py": b"2", INFO.format("numpy", "2.2.0"): b""},
    )
    result = layerwright("check", *names, "--sarif", *WHERE, cwd=tmp_path)
    assert (result.code, result.err) == (5, "")
    (run,) = result.json["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    results = [one for one in run["results"] if one["ruleId"].startswith("merge-")]
    assert {one["ruleId"] for one in results} == {"merge-package", "merge-file"}
    assert all(rules[one["ruleIndex"]] == one["ruleId"] for one in results)


def test_every_check_of_layers_together_has_a_reason() -> None:
    assert set(CHECKS) == {"merge-size", "merge-package", "merge-file"}
    assert not set(CHECKS) & set(checks.CHECKS)
    assert all(len(check.why) > 40 for check in CHECKS.values())


def test_packages_of_node_and_jars_clash_as_well(tmp_path: Path) -> None:
    def node(version: str) -> dict[str, bytes]:
        return {"nodejs/node_modules/@a/b/package.json": json.dumps({"version": version}).encode()}

    names = layers(tmp_path, node("1.0.0"), node("2.0.0"))
    result = layerwright("check", *names, "--runtime", "nodejs22.x", "--arch", "arm64", cwd=tmp_path)
    assert "gets @a/b in 2 versions" in result.out + result.err
    jar = zips.write(tmp_path / "in.jar", {"a.txt": b""}).read_bytes()
    names = layers(tmp_path, {"java/lib/gson-2.10.jar": jar}, {"java/lib/gson-2.11.jar": jar})
    result = layerwright("check", *names, "--runtime", "java21", "--arch", "arm64", cwd=tmp_path)
    assert "gets gson in 2 versions" in result.out + result.err


def test_the_limit_is_for_all_layers_together(tmp_path: Path) -> None:
    names = layers(tmp_path, *({f"python/{number}.bin": bytes(140_000_000)} for number in (1, 2)))
    result = layerwright("check", *names, *WHERE, cwd=tmp_path)
    assert result.code == 5
    assert "together the layers are 280,000,000 bytes unzipped" in result.out + result.err


def test_a_function_has_at_most_five_layers_each_once(tmp_path: Path) -> None:
    names = layers(tmp_path, *({f"python/m{number}.py": b""} for number in range(6)))
    six = layerwright("check", *names, *WHERE, cwd=tmp_path)
    assert (six.code, "a function can have 5 layers" in six.err) == (2, True)
    assert layerwright("check", *names, "--separately", *WHERE, cwd=tmp_path).code == 0
    assert layerwright("check", *names[:5], *WHERE, cwd=tmp_path).code == 0
    assert layerwright("check", names[0], names[0], *WHERE, cwd=tmp_path).code == 2


@pytest.mark.parametrize("swapped", [False, True])
def test_layers_for_nothing_in_common_are_refused(swapped: bool, tmp_path: Path) -> None:  # noqa: FBT001
    names = layers(tmp_path, {"python/a.py": b""}, {"python/b.py": b""})
    for name, arch in zip(names, itertools.cycle(["arm64", "x86_64"])):
        about = fleet.manifest("a", "python3.13", arch, 1000)
        (tmp_path / name).with_suffix(".json").write_text(manifest.render(about), encoding="utf-8")
    result = layerwright("check", *(reversed(names) if swapped else names), cwd=tmp_path)
    assert result.code == 2
    assert "no runtime and architecture is common" in result.err
