import ast
from pathlib import Path

import pytest
from kit.commands import layerwright, pip_recipe, write_recipe
from kit.wheels import Index, make_wheel

from builder.base.errors import UsageError
from builder.model import recipes


def load(tmp_path: Path, name: str, text: str) -> recipes.Loaded:
    write_recipe(tmp_path, name, text)
    return recipes.load(tmp_path / "recipes", name)


def why(tmp_path: Path, text: str) -> str:
    with pytest.raises(UsageError) as caught:
        load(tmp_path, "x", text)
    return str(caught.value)


def test_an_unknown_recipe_names_the_near_match(tmp_path: Path) -> None:
    write_recipe(tmp_path, "numpy", pip_recipe("numpy", "numpy"))
    with pytest.raises(UsageError, match="did you mean `numpy`"):
        recipes.load(tmp_path / "recipes", "numpi")


def test_the_folder_is_the_name(tmp_path: Path) -> None:
    assert "layer.name: `y` differs from the folder's name `x`" in why(tmp_path, pip_recipe("y", "a"))


def test_tables_have_one_order(tmp_path: Path) -> None:
    text = pip_recipe("x", "a")
    step = text[text.index("[[step]]") :]
    assert "tables are in another order than [layer], [targets], [step]" in why(
        tmp_path, text.replace(step, "").replace("[layer]", f"{step}\n[layer]")
    )


def test_a_date_is_no_version(tmp_path: Path) -> None:
    assert "layer.version" in why(tmp_path, pip_recipe("x", "a").replace('"1.0"', "2026-11-01"))


def test_a_test_must_be_python(tmp_path: Path) -> None:
    assert "test[0].python: " in why(tmp_path, pip_recipe("x", "a", more='[[test]]\npython = "import ="'))


def test_named_files_must_be_there(tmp_path: Path) -> None:
    more = '[[step]]\nuses = "copy"\nfiles = ["data/*"]\nto = "data"\n[[step]]\nuses = "pip"\nfile = "r.txt"'
    text = why(tmp_path, pip_recipe("x", "a", more=more))
    assert "step[1].files: nothing beside the recipe matches `data/*`" in text
    assert "step[2].file: there is no `r.txt` beside the recipe" in text


def test_a_runtime_twice_is_a_mistake(tmp_path: Path) -> None:
    text = why(tmp_path, pip_recipe("x", "a", runtimes=("python3.13", "python3.13")))
    assert "targets.runtimes: `python3.13` is listed twice" in text


def test_latin1_is_refused_with_the_reason(tmp_path: Path) -> None:
    path = write_recipe(tmp_path, "x", "")
    path.write_bytes('description = "Größe"'.encode("latin-1"))
    with pytest.raises(UsageError, match="is not UTF-8"):
        recipes.load(tmp_path / "recipes", "x")


OLD = '[libraries]\nlicences = false\n[[allow]]\ncheck = "licence"\nreason = "only for ourselves"'


def test_old_spellings_are_read_with_a_warning_that_names_the_new_one(tmp_path: Path) -> None:
    loaded = load(tmp_path, "x", pip_recipe("x", "a", more=OLD))
    assert loaded.recipe.libraries.license is False
    assert [one.check for one in loaded.recipe.allow] == ["license"]
    where = (tmp_path / "recipes" / "x" / "recipe.toml").as_posix()
    assert loaded.warnings == (
        f"{where}: libraries.licences is now `license`; the old spelling is still read",
        f"{where}: allow[0].check: `licence` is now `license`; the old spelling is still read",
    )
    new = OLD.replace("licences", "license").replace("licence", "license")
    assert load(tmp_path, "x", pip_recipe("x", "a", more=new)).warnings == ()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("[libraries]\nlicences = false\nlicense = true", "libraries.licences: unknown key; did you mean `license`?"),
        ('[libraries]\nlicences = "no"', "libraries.license: input should be a valid boolean"),
        ('[libraries]\nlicense = "MIT"', "libraries.license: input should be a valid boolean"),
        ("[allow]\ncheck = 5", "allow: `[allow]` is one table of a list: write `[[allow]]`"),
    ],
)
def test_old_spellings_hide_no_mistake(more: str, message: str, tmp_path: Path) -> None:
    assert message in why(tmp_path, pip_recipe("x", "a", more=more))


def test_commands_show_the_warnings_of_a_recipe(tmp_path: Path, index: Index) -> None:
    make_wheel(index.folder, "a", "1.0")
    write_recipe(tmp_path, "x", pip_recipe("x", "a", more=OLD))
    for command in (["lint", "x"], ["list"], ["plan", "x"], ["lock", "x"], ["build", "x", "--no-test"]):
        result = layerwright(*command, cwd=tmp_path)
        assert result.code == 0, result.err
        assert result.err.replace("\n", " ").count("is now `license`") == 2, command
    (plan,) = layerwright("plan", "x", "--json", cwd=tmp_path).json["plans"]
    assert sum("is now `license`" in text for text in plan["warnings"]) == 2


def test_one_broken_recipe_does_not_hide_the_others(tmp_path: Path) -> None:
    write_recipe(tmp_path, "good", pip_recipe("good", "a"))
    write_recipe(tmp_path, "bad", "[layer]")
    loaded, broken = recipes.load_all(tmp_path / "recipes")
    assert [one.name for one in loaded] == ["good"]
    assert len(broken) == 1


# ---- files of a recipe ---------------------------------------------------------------------------------------------

NAMING = {
    "copy": '[[step]]\nuses = "copy"\nfiles = ["sub/*"]\nto = "python"',
    "requirements": '[[step]]\nuses = "pip"\nfile = "sub/key"',
    "function": '[[test]]\n[test.invoke]\nhandler = "key.x"\nfiles = ["sub/*"]',
    "nothing": "",
}


@pytest.mark.parametrize("naming", NAMING)
@pytest.mark.parametrize("command", [("lint",), ("plan", "x"), ("build", "x", "--no-test"), ("lock", "x"), ("list",)])
def test_a_recipe_with_a_link_out_of_its_folder_is_refused(
    tmp_path: Path, naming: str, command: tuple[str, ...]
) -> None:
    write_recipe(tmp_path, "x", pip_recipe("x", "a", more=NAMING[naming]))
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "key").write_text("secret-of-the-host")
    (tmp_path / "recipes" / "x" / "sub").symlink_to("../../outside")
    done = layerwright(*command, cwd=tmp_path)
    assert done.code == UsageError.exit_code
    assert "sub -> ../../outside" in done.out + done.err
    assert "secret-of-the-host" not in done.out + done.err
    assert not list(tmp_path.rglob("*.zip"))


@pytest.mark.parametrize("name", ["recipe.toml", "requirements.lock", "package-lock.json", "maven.lock"])
def test_no_file_of_a_recipe_is_a_link_to_another_place(tmp_path: Path, name: str) -> None:
    path = write_recipe(tmp_path, "x", pip_recipe("x", "a"))
    (tmp_path / "outside").write_text(path.read_text(encoding="utf-8"))
    (path.parent / name).unlink(missing_ok=True)
    (path.parent / name).symlink_to(tmp_path / "outside")
    with pytest.raises(UsageError, match="symbolic links lead out of"):
        recipes.load(tmp_path / "recipes", "x")


def test_the_folder_of_a_recipe_is_no_link_to_another_place(tmp_path: Path) -> None:
    path = write_recipe(tmp_path, "x", pip_recipe("x", "a"))
    path.parent.rename(tmp_path / "x")
    (tmp_path / "recipes" / "x").symlink_to("../x")
    with pytest.raises(UsageError, match="`x` leads out of"):
        recipes.load(tmp_path / "recipes", "x")


@pytest.mark.parametrize("file", ["x" * 300, "a\\u0000b", "."])
def test_a_name_that_no_file_can_have_is_a_mistake(tmp_path: Path, file: str) -> None:
    more = f'[[step]]\nuses = "pip"\nfile = "{file}"\n[[step]]\nuses = "copy"\nfiles = ["{file}"]\nto = "."'
    assert "step[1].file" in (text := why(tmp_path, pip_recipe("x", "a", more=more))) or "leads out" in text


def test_files_of_a_recipe_are_found_in_one_place() -> None:
    package = Path(recipes.__file__).parents[1]
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
                assert "loaded.folder" not in ast.unparse(node.left), f"{path}:{node.lineno}"
            if isinstance(node, ast.Attribute) and node.attr in {"glob", "rglob", "iterdir"}:
                assert "loaded.folder" not in ast.unparse(node.value), f"{path}:{node.lineno}"
