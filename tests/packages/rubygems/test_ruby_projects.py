"""Projects of Ruby by a lock that Bundler 2.5 wrote: two indexes, a folder, and a repository of git at a commit."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest
from kit import gems
from kit.commands import Result, layerwright

from builder.base.errors import UsageError
from builder.model.steps.project import ProjectChoice
from builder.packages import projects as shared
from builder.packages.rubygems import projects

DATA = Path(__file__).parent / "data"
REVISION = "95a0086e8e422a12573bb3364a723d7b14a4a1bb"
GEMSPEC = """Gem::Specification.new do |s|
  s.name = "NAME"
  s.license = "MIT"
  s.files = `touch ran; git ls-files`.split
  EXTRA
end
"""


def git(folder: Path, *arguments: str) -> str:
    own = ("-c", "user.name=x", "-c", "user.email=x@example.com")
    finished = subprocess.run(["git", *own, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return finished.stdout.strip()


def gem_folder(folder: Path, name: str, extra: str = "") -> Path:
    for path in (f"lib/{name}.rb", "spec/a_spec.rb", ".rubocop.yml", "README.md"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("VALUE = 7\n", encoding="utf-8")
    text = GEMSPEC.replace("NAME", name).replace("EXTRA", extra)
    (folder / f"{name}.gemspec").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Serve two indexes and a repository, and write the project that is locked to them."""
    public, private, foreign = (tmp_path / name for name in ("public", "private", "foreign"))
    for folder in (public, private, foreign):
        (folder / "gems").mkdir(parents=True)
    gems.pack(public / "gems", "rack", "3.0.1")
    gems.pack(public / "gems", "rspec", "3.1")
    gems.pack(public / "gems", "sass", "1.0")
    gems.pack(public / "gems", "json2", "1.0", needs={"rack": ">= 3"})
    gems.pack(public / "gems", "private", "1.0", {"lib/foreign.rb": b""})
    gems.pack(private / "gems", "private", "1.0", needs={"rack": "~> 3.0"})
    for folder in (public, private):
        gems.write_index(folder)
    repository = gem_folder(tmp_path / "fromgit", "fromgit", 's.require_paths = ["lib"]')
    git(repository, "init", "-q", "-b", "main")
    git(repository, "add", "-A", "-f")
    git(repository, "commit", "-qm", "x")
    revision = git(repository, "rev-parse", "HEAD")
    for number, (key, value) in enumerate(
        ((f"url.{repository.as_uri()}.insteadOf", "https://git.test/fromgit.git"), ("safe.directory", "*"))
    ):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{number}", key)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{number}", value)
    monkeypatch.setenv("GIT_CONFIG_COUNT", "2")
    monkeypatch.delenv("BUNDLE_MIRROR__ALL", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = tmp_path / "mono" / "app"
    folder.mkdir(parents=True)
    (folder.parent / ".git").mkdir()
    gem_folder(folder.parent / "libs" / "shared", "shared")
    with gems.serve(public) as one, gems.serve(private) as other:
        for name in ("Gemfile", "Gemfile.lock"):
            text = (DATA / name).read_text(encoding="utf-8").replace(REVISION, revision)
            text = text.replace("http://public.test/", one).replace("http://private.test/", other)
            (folder / name).write_text(text, encoding="utf-8")
        yield folder


def build(folder: Path, *arguments: str) -> Result:
    target = ("--arch", "arm64", "--runtime", "ruby3.3", "--no-test")
    return layerwright("build", "app", *target, *arguments, cwd=folder.parent)


def built(folder: Path, *arguments: str) -> set[str]:
    shutil.rmtree(folder.parent / "dist", ignore_errors=True)
    result = build(folder, *arguments)
    assert result.code == 0, result.err
    (path,) = (folder.parent / "dist").glob("*.zip")
    return {name.removeprefix("ruby/gems/3.3.0/") for name in ZipFile(path).namelist()}


def gems_of(names: set[str]) -> set[str]:
    return {name.removeprefix("specifications/").removesuffix(".gemspec") for name in names if name.endswith("gemspec")}


def test_a_project_is_built_by_its_lock_without_gems_for_development(app: Path, tmp_path: Path) -> None:
    names = built(app)
    specifications = {name for name in names if name.startswith("specifications/")}
    assert gems_of(specifications) == {"rack-3.0.1", "private-1.0", "json2-1.0", "shared-0.2.0", "fromgit-2.0"}
    for name in ("shared-0.2.0", "fromgit-2.0"):
        short = name.partition("-")[0]
        assert f"gems/{name}/lib/{short}.rb" in names
        assert not [each for each in names if each.startswith(f"gems/{name}/") and ("spec/" in each or "/." in each)]
    assert "gems/private-1.0/lib/private.rb" in names
    assert "gems/private-1.0/lib/foreign.rb" not in names
    assert not list(tmp_path.rglob("ran"))


def test_groups_are_added_and_left_out(app: Path) -> None:
    assert "rspec-3.1" in gems_of(built(app, "--group", "test"))
    assert "sass-1.0" in gems_of(built(app, "--group", "assets"))
    result = build(app, "--group", "tests")
    assert result.code == 2
    assert "has no group `tests`" in result.err
    assert "assets, default, development, test" in result.err
    result = build(app, "--no-group", "default")
    assert result.code == 2
    assert "has no gems that a layer could have" in result.err


def test_gems_of_groups_that_are_left_out_are_not_asked_for(app: Path, tmp_path: Path) -> None:
    """An index that a host reaches may have none of the gems for development."""
    for name in ("rspec-3.1", "sass-1.0"):
        (tmp_path / "public" / "gems" / f"{name}.gem").unlink()
    (tmp_path / "public" / "info" / "rspec").unlink()
    gems.write_index(tmp_path / "public")
    assert "rack-3.0.1" in gems_of(built(app))
    result = build(app, "--group", "test")
    assert result.code == 4
    assert "the index of gems has no rspec-3.1" in result.err


def test_it_is_told_in_one_line_and_in_the_manifest(app: Path) -> None:
    result = build(app)
    assert "Bundler project `app`, " in result.err
    assert "Gemfile.lock" in result.err.splitlines()[0]
    assert "the lock has no CHECKSUMS" in result.err
    (manifest,) = (path for path in (app.parent / "dist").glob("*.json") if not path.name.endswith(".cdx.json"))
    text = manifest.read_text(encoding="utf-8")
    assert '"route": "local"' in text
    assert '"route": "git"' in text
    rows = {row["name"]: row for row in json.loads(text)["packages"]}
    assert rows["shared"]["local"] == "../libs/shared"
    assert (rows["fromgit"]["git"], len(rows["fromgit"]["commit"])) == ("https://git.test/fromgit.git", 40)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("Gemfile", '"~> 3.0"', '"~> 4.0"', "rack: line 2 of Gemfile asks for ~> 4.0, the lock is for ~> 3.0"),
        ("Gemfile", 'gem "rspec"', 'gem "new"', "new: line 9 of Gemfile asks for it, and the lock does not have it"),
        ("Gemfile", '  gem "sass"\n', "", "sass: the lock has it, and Gemfile does not ask for it"),
        ("Gemfile", 'gem "rack"', 'gem "rack" if true, "x"', "Gemfile:2: a Gemfile is not executed"),
        ("Gemfile.lock", "GEM\n", "<<<<<<< HEAD\nGEM\n", "Gemfile.lock:14 has conflict markers of git"),
        ("Gemfile.lock", "../libs/shared", "../../outside", "outside of"),
        ("Gemfile.lock", "../libs/shared", "../libs/missing", "which is not there"),
        ("Gemfile.lock", "https://git.test/fromgit.git", "ext::touch ran", "no address of a repository"),
        ("Gemfile.lock", "https://git.test/fromgit.git", "--upload-pack=x", "no address of a repository"),
        ("Gemfile.lock", "https://git.test/fromgit.git", "-oa@git.test:x", "no address of a repository"),
        ("Gemfile.lock", "https://git.test/fromgit.git", "a@-oa:x", "no address of a repository"),
    ],
)
def test_what_does_not_fit_is_told(app: Path, file: str, old: str, new: str, told: str) -> None:
    edit(app / file, old, new)
    result = build(app)
    assert result.code == 2, result.err
    assert told in result.err
    assert not list((app.parent / "dist").glob("*.zip"))


@pytest.mark.parametrize("link", ["shared.gemspec", "inner"])
def test_a_link_brings_no_gem_from_outside(app: Path, tmp_path: Path, link: str) -> None:
    outside = gem_folder(tmp_path / "outside", "shared")
    folder = app.parent / "libs" / "shared"
    (folder / "shared.gemspec").unlink()
    (folder / link).symlink_to(outside / link if link.endswith(".gemspec") else outside)
    result = build(app)
    assert result.code == 2, result.err
    assert f"`{(folder / link).as_posix()}" in result.err
    assert "leads out of" in result.err


def test_a_missing_lock_and_a_short_revision_are_told(app: Path) -> None:
    text = (app / "Gemfile.lock").read_text(encoding="utf-8")
    revision = text.partition("revision: ")[2][:40]
    (app / "Gemfile.lock").write_text(text.replace(revision, revision[:8]), encoding="utf-8")
    assert "no `revision` of 40 digits" in build(app).err
    (app / "Gemfile.lock").unlink()
    result = build(app)
    assert result.code == 2
    assert "there is no Gemfile.lock beside" in result.err
    assert "bundle lock --add-platform" in result.err


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        ('s.extensions = ["ext/extconf.rb"]', "has an extension that must be compiled"),
        ("s.extensions << 'ext/x/extconf.rb'", "has an extension that must be compiled"),
        ("s.extensions.unshift 'ext/x/extconf.rb'", "has an extension that must be compiled"),
        ('s.files += Dir["#{base}/*"]; s.extensions += ["ext/x/extconf.rb"]', "has an extension that must be compiled"),
        ('s.send(:extensions=, ["ext/x/extconf.rb"])', "has an extension that must be compiled"),
        ("s.require_paths = paths", "works out `require_paths`"),
    ],
)
def test_a_folder_that_needs_ruby_is_refused_with_a_way(app: Path, extra: str, told: str) -> None:
    gem_folder(app.parent / "libs" / "shared", "shared", extra)
    result = build(app)
    assert result.code == 2
    assert told in result.err
    assert "hint:" in result.err


@pytest.mark.parametrize("extra", ["s.extensions = []", "s.extensions=[ ]", "# s.extensions = Dir['ext/*']"])
def test_a_folder_without_extensions_is_taken(app: Path, extra: str) -> None:
    gem_folder(app.parent / "libs" / "shared", "shared", extra)
    result = build(app)
    assert result.code == 0, result.err


def test_a_change_in_a_folder_changes_what_nightly_compares(app: Path) -> None:
    def digest() -> dict[str, str]:
        return projects.inputs(shared.requested(app, ProjectChoice()))

    before = digest()
    assert list(before) == ["app/Gemfile.lock"]
    edit(app / "Gemfile.lock", "rspec (3.1)", "rspec (3.2)")
    assert digest() == before
    (app.parent / "libs" / "shared" / "lib" / "shared.rb").write_text("2", encoding="utf-8")
    assert digest() != before


def test_the_gem_of_a_gemspec_gives_its_needs_or_itself(app: Path) -> None:
    gem_folder(app, "app")
    edit(app / "Gemfile", 'gem "rack", "~> 3.0"\n', "gemspec\n")
    edit(app / "Gemfile.lock", "PATH\n", "PATH\n  remote: .\n  specs:\n    app (0.1.0)\n      rack (~> 3.0)\n\nPATH\n")
    edit(app / "Gemfile.lock", "  rack (~> 3.0)\n  rspec\n", "  app!\n  rspec\n")
    assert "app-0.1.0" not in (without := gems_of(built(app)))
    assert "rack-3.0.1" in without
    assert "app-0.1.0" in gems_of(built(app, "--with-project"))


def test_an_application_is_no_gem(app: Path) -> None:
    result = build(app, "--with-project")
    assert result.code == 2
    assert "an application is no gem" in result.err


def test_the_runtime_is_that_of_the_locked_ruby(app: Path) -> None:
    def runtime() -> str:
        found = projects.find(shared.requested(app, ProjectChoice()))
        assert found
        return found.runtime

    newest = runtime()
    edit(app / "Gemfile.lock", "BUNDLED WITH", "RUBY VERSION\n   ruby 3.3.5p100\n\nBUNDLED WITH")
    assert runtime() == "ruby3.3"
    edit(app / "Gemfile.lock", "ruby 3.3.5p100", "ruby 2.7.1p83")
    assert runtime() == newest


def test_a_choice_of_another_file_is_no_project_of_ruby(app: Path) -> None:
    assert projects.find(shared.requested(app, ProjectChoice(file="package.json"))) is None
    with pytest.raises(UsageError, match=r"has no gems\.rb"):
        projects.find(shared.requested(app, ProjectChoice(file="gems.rb")))
    assert projects.find(shared.requested(app.parent, ProjectChoice())) is None
    assert os.environ["GIT_CONFIG_COUNT"] == "2"
