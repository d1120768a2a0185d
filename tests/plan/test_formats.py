"""Versions of formats by hand, and the modules that they stand for."""

import hashlib
import json
from pathlib import Path

import pytest
from kit.commands import ROOT
from kit.golden import FOLDER, compare

from builder.base.significant import significant
from builder.plan.formats import FORMATS, versions

PACKAGE = ROOT / "builder"
ROOMS = ("layer", "packages", "plan", "building")
"""The rooms above have no bytes of a zip in hand, only values that are inputs; those below have finished zips."""
NO_BYTES = {
    "layer": "compare derived diff inspect jars merge provenance reader sarif sizes unopened unpacked zip_end "
    "zip_headers",
    "packages": "command_line compiled_projects default_tests dividing ecosystem memory planning projects "
    "resolution table",
    "packages.pypi": "addresses bindings build_file build_requirements build_system changelogs command_line "
    "contradicting default_tests described dist dividing ecosystem hashes index_options index_passwords index_tables "
    "indexes installed known locking markers metadata names pdm_sources planning poetry_project poetry_versions "
    "project_files project_indexes project_inputs project_lines projects published pylock pyproject releases "
    "requirement_lines requirements_file requirers requirements_lock resolve routes shared_files tags "
    "uv_project wanted",
    "packages.pypi.locks": "graph pdm pipenv poetry pylock rows targets uv uv_asked uv_newer",
    "packages.pypi.local": "content described discovery needs package_data pep621 place poetry_tables realising "
    "repositories setup_cfg sources versions",
    "packages.npm": "command_line conversion default_tests ecosystem fitting following globs graph installed layout "
    "losses offered package_lock packlist planning project projects registry semver settings workspaces yarn_settings",
    "packages.npm.locks": "berry_settings npm_edges npm_lock pnpm_lock pnpm_settings pnpmfile yaml_text "
    "yarn_berry yarn_classic",
    "packages.rubygems": "bundler_settings command_line default_tests ecosystem gemfile gemfile_lock index installed "
    "picker planning projects",
    "packages.maven": "classifiers command_line ecosystem installed planning plugin program projects",
    "packages.cargo": "command_line ecosystem planning programs project requirement",
    "packages.go": "buildinfo command_line ecosystem go go_mod go_sum installed licence_text planning",
    "plan": "adhoc catalogues decide formats keys mode plan planning program_texts resolve resolved selection stopping",
    "building": "batch checking evidence failed_step idle layer_cache layer_tests oversized pinning remarks shell "
    "tested testing verify wheel zip_hashes",
}
"""Modules that ask, choose, read, show or keep: what they find are inputs, by value, of keys and digests."""
LISTED = {f"{folder}.{name}" for folder, names in NO_BYTES.items() for name in names.split()}
WRITING = {name for format_ in FORMATS.values() for name in format_.modules}


def modules() -> dict[str, Path]:
    paths = [path for room in ROOMS for path in sorted((PACKAGE / room).rglob("*.py"))]
    named = {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path for path in paths
    }
    return {name: path for name, path in named.items() if significant(path.read_text(encoding="utf-8"), ".py")}


def folder(name: str) -> str:
    return name.rpartition(".")[0]


def writes(name: str) -> bool:
    return name in WRITING or folder(name) in WRITING


def test_every_module_is_known_to_write_bytes_or_not_to() -> None:
    found = modules()
    rooms = {*ROOMS, *NO_BYTES}
    unknown = [name for name in found if not writes(name) and name not in LISTED and name not in rooms]
    assert not unknown, (
        "does it write bytes of a zip? add it to FORMATS in builder/plan/formats.py, or to NO_BYTES here"
    )
    assert not [name for name in found if writes(name) and name in LISTED]
    assert not WRITING - {*found, *map(folder, found)}
    assert found.keys() >= LISTED


def test_a_changed_module_is_decided_on(update_golden: bool) -> None:  # noqa: FBT001
    """Raise the version in FORMATS if the same inputs can give other bytes; `--update-golden` then says: looked at."""
    document = {
        name: {
            "version": format_.version,
            "modules": {
                module: hashlib.sha256(significant(path.read_text(encoding="utf-8"), ".py").encode()).hexdigest()[:16]
                for module, path in modules().items()
                if module in format_.modules or folder(module) in format_.modules
            },
        }
        for name, format_ in FORMATS.items()
    }
    text = f"{json.dumps(document, indent=1)}\n"
    compare(FOLDER / "formats.json", text, update=update_golden)


def test_only_formats_that_take_part_have_a_say(monkeypatch: pytest.MonkeyPatch) -> None:
    before = versions(["layer", "pip"])
    monkeypatch.setitem(FORMATS, "npm", FORMATS["gem"])
    assert versions(["pip", "layer", "layer"]) == before == {"layer": 1, "pip": 1}
