"""The settings of a project: where the file is found, what it may say, and all mistakes at once."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from kit.commands import ROOT

from builder.base import environment, settings_file
from builder.base.errors import UsageError
from builder.model import defaults, schema, settings
from builder.model.defaults import Defaults
from builder.model.runtimes import runtime, runtimes

CHECKED_IN = ROOT / "images" / "settings.schema.json"
WHOLE = """
runtimes      = ["3.13", "node22", "custom-orders"]
architectures = ["aarch64"]
recipes       = "layers"
output        = "out"
registry      = "mirror.example.com:5000/amazon/"

[cache]
folder = "../layerwright-cache"
gb     = 40

[publish]
account = "123456789012"
regions = ["eu-west-1", "all"]
share   = ["org:o-a1b2c3d4e5"]
bucket  = "layers-{region}"

[[catalogue]]
folder = "shared"

[[catalogue]]
git    = "https://git.example.com/a.git"
commit = "0123456789abcdef0123456789abcdef01234567"

[runtime.custom-orders]
image    = "registry.example.com/team/python:3.13-{arch}"
os       = "al2023"
language = "python"
series   = "3.13"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "shared").mkdir()
    (tmp_path / "services" / "orders").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(text: str = WHOLE, name: str = "layerwright.toml") -> Defaults:
    Path(name).write_text(text, encoding="utf-8")
    file = settings_file.find(Path.cwd())
    assert file is not None
    return settings.read(file)


def wrong(text: str, name: str = "layerwright.toml") -> tuple[str, ...]:
    with pytest.raises(UsageError) as caught:
        read(text, name)
    return caught.value.why


@pytest.mark.usefixtures("folder")
def test_the_file_becomes_typed_values(folder: Path) -> None:
    found = read()
    assert found.runtimes == ("python3.13", "nodejs22.x", "custom-orders")
    assert found.architectures == ("arm64",)
    assert (found.recipes, found.output) == (Path("layers"), Path("out"))
    assert (found.account, found.bucket) == ("123456789012", "layers-{region}")
    assert (found.regions, found.share) == (("eu-west-1", "all"), ("org:o-a1b2c3d4e5",))
    own, repository = found.catalogues
    assert (own.folder, own.git) == (folder / "shared", None)
    assert (repository.folder, repository.commit[:4]) == (Path("recipes"), "0123")
    assert found.own_runtimes["custom-orders"].table.series == "3.13"
    assert found.variables == {
        "LAYERWRIGHT_CACHE": str(folder.parent / "layerwright-cache"),
        "LAYERWRIGHT_CACHE_GB": "40.0",
        "LAYERWRIGHT_REGISTRY": "mirror.example.com:5000/amazon",
    }
    assert ("cache.gb", "40") in found.given
    assert ("runtimes", "3.13 node22 custom-orders") in found.given


def test_the_nearest_file_of_the_repository_holds(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read()
    monkeypatch.chdir(folder / "services" / "orders")
    found = settings_file.find(Path.cwd())
    assert found is not None
    assert (found.path, found.text.name) == (folder / "layerwright.toml", "../../layerwright.toml")
    assert settings.read(found).output == Path("../../out")
    Path("../pyproject.toml").write_text("[tool]\nlayerwright.output = 'near'\n", encoding="utf-8")
    assert settings.read(settings_file.find(Path.cwd()) or found).output == Path("../near")
    (folder / "services" / ".git").mkdir()
    Path("../pyproject.toml").unlink()
    assert settings_file.find(Path.cwd()) is None


def test_outside_of_a_repository_only_the_working_folder_counts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / ".git").rmdir()
    assert read().file == folder / "layerwright.toml"
    monkeypatch.chdir(folder / "services")
    assert settings_file.find(Path.cwd()) is None


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("[tool.layerwright]\noutput = 'a'\n", True),
        ("[ tool . layerwright . cache ]\ngb = 3\n", True),
        ("[tool.'layerwright'.cache]\ngb = 3\n", True),
        ("tool.layerwright.cache.gb = 3\n", True),
        ("tool = { layerwright = { cache = { gb = 3 } } }\n", True),
        ("[project]\nname = 'layerwright'\n", False),
        ("[tool.ruff]\n", False),
        ("[tool]\nruff = 1\n", False),
        ("[tool.layerwright\n", False),
    ],
)
def test_a_table_of_pyproject_is_one_however_it_is_written(text: str, there: bool) -> None:  # noqa: FBT001
    Path("pyproject.toml").write_text(text, encoding="utf-8")
    assert (settings_file.find(Path.cwd()) is not None) is there


@pytest.mark.usefixtures("folder")
def test_the_file_of_its_own_counts_before_pyproject() -> None:
    Path("pyproject.toml").write_text("[tool.layerwright]\noutput = 'a'\n", encoding="utf-8")
    assert read("output = 'b'\n").output == Path("b")


@pytest.mark.usefixtures("folder")
def test_all_mistakes_come_at_once_each_with_its_place() -> None:
    text = """\
runtime = ["python3.13"]
runtimes = ["pyhton3.13"]
architectures = ["amd64", "riscv"]
[cache]
gbs = 1
[publish]
  account = 123456789012
regions = []
share = ["me"]
[[catalogue]]
git = "https://git.example.com/a.git"
[[catalogue]]
folder = "nowhere"
"""
    found = wrong(text)
    assert [line.partition(": ")[0] for line in found] == [
        *("layerwright.toml:1:1", "layerwright.toml:2:13", "layerwright.toml:3:27", "layerwright.toml:5:1"),
        *("layerwright.toml:7:3", "layerwright.toml:9:10", "layerwright.toml:10:1"),
    ]
    for message in (
        "architectures[1]: unknown architecture `riscv`",
        "cache.gbs: unknown key; did you mean `gb`?",
        'publish.account: is a number; write it in quotes: "123456789012"',
        "share[0]: `me` is not account:ID",
        "catalogue[0]: needs `folder`, or `git` and `commit`",
        "runtimes[0]: unknown runtime `pyhton3.13`; did you mean `python3.13`?",
    ):
        assert any(message in line for line in found), message


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("outputs = 'a'", "layerwright.toml:1:1: outputs: unknown key; did you mean `output`?"),
        ("output = ", "layerwright.toml:1:10: "),
        ("[[catalogue]]\nfolder = 'nowhere'", "2:1: catalogue[0].folder: there is no folder `nowhere`"),
        (
            "[[catalogue]]\nfolder = '../x'\ngit = 'https://a/b'\ncommit = '" + "a" * 40 + "'",
            "2:1: catalogue[0].folder: `../x` leaves the repository",
        ),
        ("[[catalogue]]\ngit = 'ext::sh'\ncommit = '" + "a" * 40 + "'", "2:1: catalogue[0].git: "),
        ("[[catalogue]]\ngit = 'https://a/b'\ncommit = 'main'", "3:1: catalogue[0].commit: "),
        ("[cache]\ngb = -1", "2:1: cache.gb: "),
        ("output = '/var/www'", "1:1: output: `/var/www` leaves its folder"),
        ("output = '../x'", "1:1: output: `../x` leaves its folder"),
        ("recipes = 'C:/x'", "1:1: recipes: `C:/x` leaves its folder"),
        ("registry = 'https://a/b'", "1:1: registry: `https://a/b` is not host:port/prefix without a scheme"),
        ("runtimes = ['custom-x']", "1:13: runtimes[0]: unknown runtime `custom-x`"),
        (
            "[runtime.custom-x]\nimage = 'a.b/c:1'\nos = 'al3'",
            "3:1: runtime.custom-x.os: there is no [os.al3]",
        ),
        ("[runtime.x]\nimage = 'a.b/c:1'\nos = 'al2'", "1:1: runtime.x: the name must be custom-"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, message: str) -> None:
    (found,) = wrong(text)
    assert message in found


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("below", [".cache/layerwright", "layerwright", "services/../layerwright", "link"])
def test_the_cache_is_not_brought_along_by_the_repository(folder: Path, below: str) -> None:
    """Who opens a pull request would decide what is trusted, and which programs run on the host."""
    (folder / "link").symlink_to(folder / "layerwright", target_is_directory=True)
    (found,) = wrong(f"[cache]\nfolder = '{below}'")
    assert f"2:1: cache.folder: `{below}` is in the repository" in found
    assert f"`{folder}/layerwright` is in the repository" in wrong(f"[cache]\nfolder = '{folder}/layerwright'")[0]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("place", ["~", "/", "/home", "..", "~/sources"])
def test_nothing_of_others_is_removed_as_a_cache(place: str) -> None:
    (found,) = wrong(f"[cache]\nfolder = '{place}'\ngb = 0.001")
    assert f"2:1: cache.folder: `{place}` has no `layerwright` in its name" in found
    assert read("[cache]\nfolder = '~/.cache/layerwright'").variables["LAYERWRIGHT_CACHE"] == str(
        Path.home().resolve() / ".cache" / "layerwright"
    )


@pytest.mark.usefixtures("folder")
def test_places_in_pyproject_are_those_of_the_whole_file() -> None:
    text = "[project]\nname = 'x'\n\n[tool.layerwright.cache]\nGB = 3\n"
    assert wrong(text, "pyproject.toml") == ("pyproject.toml:5:1: cache.GB: unknown key; did you mean `gb`?",)


@pytest.mark.usefixtures("folder")
def test_runtimes_of_the_file_are_runtimes_of_the_project() -> None:
    assert "custom-orders" not in runtimes()
    try:
        defaults.use(read())
        assert runtime("custom-orders").directories == runtime("python3.13").directories
    finally:
        defaults.use(None)
    assert "custom-orders" not in runtimes()


def test_settings_stand_in_for_variables_that_are_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAYERWRIGHT_CACHE_GB", raising=False)
    try:
        defaults.use(Defaults(variables={"LAYERWRIGHT_CACHE_GB": "7"}))
        assert environment.value("LAYERWRIGHT_CACHE_GB") == "7"
        monkeypatch.setenv("LAYERWRIGHT_CACHE_GB", "8")
        assert environment.value("LAYERWRIGHT_CACHE_GB") == "8"
    finally:
        defaults.use(None)
    monkeypatch.delenv("LAYERWRIGHT_CACHE_GB")
    assert environment.value("LAYERWRIGHT_CACHE_GB") == ""


def test_one_module_reads_variables_of_our_own() -> None:
    reads = re.compile(
        r"""(?:environ|getenv)[\[.(]?(?:get\()?\(?f?["']LAYERWRIGHT_|environ\.get\(VARIABLE|environ\[VARI"""
    )
    inside = ROOT / "builder" / "container"
    paths = [path for path in (ROOT / "builder").rglob("*.py") if inside not in path.parents]
    assert [path.name for path in paths if reads.search(path.read_text(encoding="utf-8"))] == []


def test_the_checked_in_schema_of_settings_is_what_the_types_say() -> None:
    assert CHECKED_IN.read_text(encoding="utf-8") == schema.of_settings(), "run `make schema`"


def test_every_setting_says_what_it_means() -> None:
    document = json.loads(schema.of_settings())
    tables = [document, *document["$defs"].values()]
    rows = [(table["title"], key, row) for table in tables for key, row in table["properties"].items()]
    assert [(title, key) for title, key, row in rows if not str(row.get("description", "")).endswith(".")] == []


@pytest.mark.usefixtures("folder")
def test_the_example_of_the_page_is_valid() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    shown = re.search(r"```toml\n(.*?)```", page, flags=re.DOTALL)
    assert shown is not None
    assert read(shown[1]).regions == ("eu-west-1", "eu-central-1")


def test_no_file_costs_no_parser(tmp_path: Path) -> None:
    """What reads the file is not even imported where there is none."""
    code = (
        "import sys; from builder.cli import run; run(['runtimes', '--json']);"
        "print('builder.model.settings' in sys.modules, 'pydantic' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert done.stderr.split() == ["False", "False"]
