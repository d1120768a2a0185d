from typing import Any

import pytest

from builder.base.errors import UsageError
from builder.model.decode import decode, parse_toml
from builder.model.recipe import Recipe

GOOD: dict[str, Any] = {
    "layer": {"name": "x", "version": "2.5", "description": "", "license": "MIT"},
    "targets": {"runtimes": ["python3.13"]},
    "step": [{"uses": "pip", "requirements": ["a=={version}"]}],
}


def wrong(**tables: Any) -> tuple[str, ...]:
    with pytest.raises(UsageError) as caught:
        decode(Recipe, {**GOOD, **tables}, "recipe.toml")
    return caught.value.why


def test_a_recipe_needs_little() -> None:
    recipe = decode(Recipe, GOOD, "recipe.toml")
    assert recipe.targets.architectures == ("x86_64", "arm64")
    assert recipe.targets.split_by == ("runtime", "arch")
    assert recipe.slim.bytecode == "auto"
    assert recipe.libraries.bundle == "auto"


def test_recipes_are_frozen() -> None:
    with pytest.raises(AttributeError):
        decode(Recipe, GOOD, "recipe.toml").layer.name = "y"  # type: ignore[misc]


def test_all_mistakes_come_at_once_each_with_its_path() -> None:
    found = wrong(
        layer={"name": "x y", "version": 2.5, "descripton": "", "license": "MIT"},
        targets={"runtimes": ["python3.33"], "architectures": ["i386"]},
        step=[{"uses": "pipp"}, {"uses": "pip", "requirments": ["a"]}, {"run": "make"}],
        stepp=1,
    )
    assert [line.split(":")[0] for line in found] == [
        *("layer.name", "layer.version", "layer.description", "layer.descripton"),
        *("targets.runtimes[0]", "targets.architectures[0]"),
        *("step[0]", "step[1].requirments", "step[2]", "stepp"),
    ]


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"stepp": 1}, "stepp: unknown key; did you mean `step`?"),
        ({"slim": {"prunes": []}}, "slim.prunes: unknown key; did you mean `prune`?"),
        ({"slim": {"zzz": 1}}, "slim.zzz: unknown key; [slim] has prune, keep, keep-imported, strip, bytecode"),
        ({"slim": {"strip": "yes"}}, "slim.strip: input should be a valid boolean"),
        ({"slim": {"bytecode": "unchecked_hash"}}, "did you mean `unchecked-hash`?"),
        ({"layer": {**GOOD["layer"], "version": 2.1}}, 'layer.version: is a number; write it in quotes: "2.1"'),
        ({"layer": {**GOOD["layer"], "description": "x" * 257}}, "layer.description: string should have at most 256"),
        ({"targets": {"runtimes": ["pyhton3.13"]}}, "unknown runtime `pyhton3.13`; did you mean `python3.13`?"),
        ({"targets": {"runtimes": ["python3.7"]}}, "runtime `python3.7` is retired: ran on Amazon Linux 1"),
        ({"targets": {"runtimes": []}}, "targets.runtimes: list should have at least 1 item"),
        (
            {"targets": {"runtimes": ["python3.13"], "architectures": ["amd46"]}},
            "unknown architecture `amd46`; did you mean `arm64`?",
        ),
        ({"targets": {"runtimes": ["python3.13"], "split_by": []}}, "unknown key; did you mean `split-by`?"),
        ({"targets": {"runtimes": ["python3.13"], "split-by": ["archs"]}}, "did you mean `arch`?"),
        ({"step": []}, "step: list should have at least 1 item"),
        ({"step": [{"uses": "packge"}]}, '`uses = "packge"` is unknown; did you mean `packages`?'),
        ({"step": [{"uses": "pip"}]}, "step[0]: needs `requirements`, `file` or `project`"),
        ({"step": [{"uses": "pip", "requirements": ["a b"]}]}, "`a b` is not a valid requirement"),
        ({"step": [{"uses": "pip", "requirements": ["a=={v}"]}]}, "`{v}` is not a valid placeholder"),
        ({"step": [{"uses": "pip", "file": "../r.txt"}]}, "`../r.txt` leaves its folder"),
        ({"step": [{"uses": "pip", "file": "C:\\r.txt"}]}, "leaves its folder"),
        ({"step": [{"uses": "copy", "files": ["a"], "to": "/opt/bin"}]}, "`/opt/bin` leaves its folder"),
        ({"step": [{"uses": "script", "run": "x", "env": {"a-b": "1"}}]}, "step[0].env.a-b"),
        (
            {"step": [{"uses": "pip", "requirements": ["a"], "when": {"os": "al3"}}]},
            "step[0].when.os: unknown operating system `al3`; did you mean `al2",
        ),
        ({"step": [{"uses": "pip", "requirements": ["a"], "when": {}}]}, "step[0].when: names no os, arch or runtime"),
        ({"source": [{"url": "https://example.org/x.tar.gz"}]}, "source[0]: needs `url` and `sha256`"),
        ({"source": [{"git": "https://example.org/x.git"}]}, "sources must be pinned"),
        ({"source": [{"url": "https://example.org/x", "sha256": "abc"}]}, "source[0].sha256: `abc` does not match"),
        ({"test": [{}]}, "test[0]: needs exactly one of python"),
        ({"test": [{"python": "x", "node": "y"}]}, "test[0]: needs exactly one of python"),
        ({"allow": [{"check": "glib", "reason": "because it is fine"}]}, "did you mean `glibc`?"),
        ({"allow": [{"check": "glibc", "reason": ""}]}, "allow[0].reason: string should have at least 8 characters"),
        ({"libraries": {"bundle": "all"}}, "libraries.bundle: `all` is not one of"),
        ({"layer": 5}, "layer: input should be"),
    ],
)
def test_a_mistake_names_its_path_and_the_way_out(tables: dict[str, Any], message: str) -> None:
    found = wrong(**tables)
    assert any(message in line for line in found), found
    assert not any("constrained" in line or "literal[" in line for line in found), found


@pytest.mark.parametrize(
    "text", ["1;reboot", "$(reboot)", "`reboot`", "1 && reboot", "1\nRUN reboot", "1\n", "'", '"', "-1"]
)
def test_a_shell_never_sees_a_name_or_version_that_it_would_read(text: str) -> None:
    """Names and versions are unquoted in a Dockerfile: a value that is more than a word to a shell is a mistake."""
    for key in ("name", "version"):
        assert any(line.startswith(f"layer.{key}: ") for line in wrong(layer={**GOOD["layer"], key: text}))
    assert any("override[0].version: " in line for line in wrong(override=[{"when": {"os": "al2"}, "version": text}]))
    assert any(
        "source[0].name: " in line for line in wrong(source=[{"url": "https://a", "sha256": "0" * 64, "name": text}])
    )
    assert any("step[0].install[0]: " in line for line in wrong(step=[{"uses": "packages", "install": [text]}]))


def test_broken_toml_names_the_line() -> None:
    with pytest.raises(UsageError) as caught:
        parse_toml("[layer]\nname = \n", "recipe.toml")
    assert "line 2" in str(caught.value)


@pytest.mark.parametrize("text", ["{{resolve:ssm:/x}}", "a { {RESOLVE :x", "{{\u2060resolve:ssm-secure:/x}}"])
def test_public_texts_have_no_dynamic_references(text: str) -> None:
    layer = {"name": "a", "version": "1", "description": "", "license": "MIT"}
    for field in ("description", "license"):
        assert f"layer.{field}: `{{{{resolve:` is a dynamic reference" in wrong(layer={**layer, field: text})[0]
    for language in ("python", "node"):
        assert f"test[0].{language}: `{{{{resolve:`" in wrong(test=[{language: f"x = '{text}'"}])[0]


@pytest.mark.parametrize(
    "text", ["resolve: {{ x }}", "{{ resolve }}", "${resolve:x}", "{resolve:x}", "{{a}} {resolve:b}"]
)
def test_other_braces_are_text(text: str) -> None:
    layer = {"name": "a", "version": "1", "description": text, "license": "MIT"}
    assert decode(Recipe, {**GOOD, "layer": layer}, "recipe.toml").layer.description == text
