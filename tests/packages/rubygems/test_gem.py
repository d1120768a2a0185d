"""Versions of gems, Bundler's lock, and which file a target gets; no engine."""

import functools
import gzip
import io
import json
import re
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit import bad
from kit import gems as kit
from kit.bad import Workshop
from kit.commands import recipe_head

from builder.authoring import relock
from builder.base.emitter import Events
from builder.base.errors import BuildError, UsageError
from builder.layer import tree
from builder.model import recipes
from builder.model.architectures import ARM64, X86_64, Architecture
from builder.model.recipes import Loaded
from builder.model.steps.gem_version import Requirement, Version, parse_gem
from builder.model.target import steps, targets
from builder.packages.ecosystem import Request
from builder.packages.rubygems import gemfile_lock, gemspec, index, planning
from builder.packages.rubygems.resolution import Gems
from builder.packages.rubygems.spec import Spec
from builder.plan.planning import plan

ORDERED = ("0.9.a", "0.9", "1.0.a", "1.0.a.2", "1.0.b1", "1.0.pre1", "1.0", "1.0.1", "1.2", "1.10", "2", "10.0.0.1")
"""As Ruby's `Gem::Version` sorts them."""


def test_versions_sort_as_in_ruby() -> None:
    found = sorted(map(Version, reversed(ORDERED)))
    assert [one.text for one in found] == list(ORDERED)
    assert Version("1.0") == Version("1.0.0") == Version("1")
    assert Version("1.0-2") < Version("1.0")


@given(st.lists(st.integers(0, 99), min_size=1, max_size=4), st.lists(st.integers(0, 99), min_size=1, max_size=4))
def test_versions_of_numbers_sort_as_numbers(one: list[int], other: list[int]) -> None:
    padded = [[*parts, *[0] * (4 - len(parts))] for parts in (one, other)]
    first, second = (Version(".".join(map(str, parts))) for parts in (one, other))
    assert (first < second) == (padded[0] < padded[1])
    assert (first == second) == (padded[0] == padded[1])


@pytest.mark.parametrize(
    ("requirement", "yes", "no"),
    [
        ("~> 1.4", ("1.4", "1.4.9", "1.99"), ("1.3.9", "2", "2.0.a")),
        ("~> 2.8.2", ("2.8.2", "2.8.10"), ("2.8.1", "2.9")),
        ("~> 3", ("3", "3.9"), ("4", "2.9")),
        (">= 3.1, < 3.5.dev", ("3.1", "3.4.9"), ("3.0", "3.5.0")),
        (">= 1&!= 1.5", ("1.4", "1.5.1"), ("1.5", "0.9")),
        ("1.2", ("1.2.0",), ("1.2.1",)),
    ],
)
def test_requirements_allow_what_ruby_does(requirement: str, yes: tuple[str, ...], no: tuple[str, ...]) -> None:
    allowed = {text for text in (*yes, *no) if Requirement(requirement).allows(Version(text))}
    assert allowed == set(yes)


@pytest.mark.parametrize("text", ["", "a b", "nokogiri@latest", "nokogiri@", "-x@1"])
def test_what_is_no_gem_is_told(text: str) -> None:
    if text == "nokogiri@":
        assert parse_gem(text) == ("nokogiri", Requirement(">= 0"))
        return
    with pytest.raises(ValueError, match="is no"):
        parse_gem(text)


LOCK = """GEM
  remote: http://127.0.0.1:1/
  specs:
    nokogiri (1.18.2)
      mini_portile2 (~> 2.8.2)
      racc (~> 1.4)
    nokogiri (1.18.2-x86_64-linux-gnu)
      racc (~> 1.4)
    mini_portile2 (2.8.7)
    racc (1.8.1)

PLATFORMS
  ruby
  x86_64-linux-gnu

DEPENDENCIES
  nokogiri (= 1.18.2)

CHECKSUMS
  racc (1.8.1) sha256={}

BUNDLED WITH
   2.6.2
""".format("a" * 64)


def _first(lock: gemfile_lock.GemLock, arch: Architecture, name: str) -> Spec:
    return gemfile_lock.files(lock, name, arch, "x")[0]


def test_a_lock_of_bundler_is_read() -> None:
    lock = gemfile_lock.read(LOCK, "Gemfile.lock")
    assert lock.roots == (("nokogiri", "= 1.18.2"),)
    assert lock.remotes == ("http://127.0.0.1:1/",)
    assert [spec.full_name for spec in lock.specs][:2] == ["nokogiri-1.18.2", "nokogiri-1.18.2-x86_64-linux-gnu"]
    assert {spec.name: spec.sha256 for spec in lock.specs}["racc"] == "a" * 64
    chosen = {
        arch: [one.full_name for one in gemfile_lock.reached(lock, functools.partial(_first, lock, arch), ())]
        for arch in (X86_64, ARM64)
    }
    assert chosen[X86_64] == ["racc-1.8.1", "nokogiri-1.18.2-x86_64-linux-gnu"]
    assert chosen[ARM64] == ["mini_portile2-2.8.7", "racc-1.8.1", "nokogiri-1.18.2"]
    again = gemfile_lock.read(gemfile_lock.write(lock), "again")
    assert set(again.specs) == set(lock.specs)
    assert again.roots == lock.roots
    private = gemfile_lock.write(replace(lock, remotes=("https://alice:s3cret@p@gems.example/",)))
    assert "  remote: https://gems.example/\n" in private


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no DEPENDENCIES"),
        ("{}", "no DEPENDENCIES"),
        ("GEM\n  specs:\n    broken\n\nDEPENDENCIES\n  a\n", "`broken` below GEM"),
    ],
)
def test_what_is_no_lock_is_told(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=r"^Gemfile\.lock is not a valid Gemfile\.lock") as raised:
        gemfile_lock.read(text, "Gemfile.lock")
    assert why in raised.value.why[0]


def test_a_gem_of_a_repository_is_refused_with_its_address() -> None:
    text = "GIT\n  remote: http://me:secret@127.0.0.1/x\n\nDEPENDENCIES\n  a!\n"
    with pytest.raises(UsageError, match="^Ruby gems are not packages of an index, or cannot be read") as raised:
        gemfile_lock.read(text, "Gemfile.lock")
    assert raised.value.why == (
        "Gemfile.lock: GIT: a gem that no index has cannot be locked by its hash",
        "Gemfile.lock: GIT: http://127.0.0.1/x",
    )


def test_gems_come_after_those_that_they_need_even_in_circles() -> None:
    specs = [
        Spec(name="a", version="1", needs=(("b", ">= 0"), ("gone", ">= 0"))),
        Spec(name="b", version="1", needs=(("c", ">= 0"),)),
        Spec(name="c", version="1", needs=(("a", ">= 0"),)),
    ]
    found = [one.name for one in gemfile_lock.sequence(specs)]
    assert sorted(found) == ["a", "b", "c"]
    assert found.index("b") > found.index("c")


# ---- with an index -------------------------------------------------------------------------------------------------


RECIPE = (
    recipe_head("some", ("ruby3.3",), ("x86_64",))
    + """
[[step]]
uses = "gem"
{}
"""
)


def recipe(tmp_path: Path, step: str) -> Loaded:
    folder = tmp_path / "recipes" / "some"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.toml").write_text(RECIPE.format(step), encoding="utf-8")
    return recipes.load(folder.parent, "some")


def planned(loaded: Loaded, *, wheels_only: bool = False) -> Gems:
    target = targets(loaded.recipe)[0]
    chosen = tuple(steps(loaded.recipe, target))
    return planning.planned(Request(loaded=loaded, target=target, steps=chosen, may_compile=not wheels_only))


def test_the_newest_version_that_fits_ruby_and_others_is_taken(gem_index: Path, tmp_path: Path) -> None:
    for version, ruby in (("1.0", ">= 0"), ("1.1", ">= 3.0"), ("1.2", ">= 3.4"), ("2.0.pre1", ">= 0")):
        kit.pack(gem_index / "gems", "one", version, ruby=ruby)
    kit.pack(gem_index / "gems", "two", "1.0", needs={"one": "< 1.1"})
    kit.write_index(gem_index)
    alone = planned(recipe(tmp_path, 'gems = ["one"]'))
    assert [one.spec.full_name for one in alone.gems] == ["one-1.1"]
    assert not alone.locked
    both = planned(recipe(tmp_path, 'gems = ["one", "two"]'))
    assert [one.spec.full_name for one in both.gems] == ["one-1.0", "two-1.0"]


def test_gems_that_do_not_fit_together_are_named(gem_index: Path, tmp_path: Path) -> None:
    kit.pack(gem_index / "gems", "one", "1.0")
    kit.pack(gem_index / "gems", "two", "1.0", needs={"one": "~> 2.0"})
    kit.write_index(gem_index)
    with pytest.raises(BuildError, match="fit together") as raised:
        planned(recipe(tmp_path, 'gems = ["one", "two", "nowhere@1"]'))
    assert any(
        "two 1.0 asks for one ~> 2.0" in line or "nowhere = 1, which the index" in line for line in raised.value.why
    )


def test_lock_is_written_read_and_held_against_the_recipe(gem_index: Path, tmp_path: Path) -> None:
    kit.pack(gem_index / "gems", "one", "1.0")
    kit.write_index(gem_index)
    loaded = recipe(tmp_path, 'gems = ["one@~> 1.0"]')
    (locked,) = relock.relock(loaded, upgrade=False, events=Events())
    assert locked.changes == (("one", None, "1.0"),)
    kit.pack(gem_index / "gems", "one", "1.5")
    kit.write_index(gem_index)
    index.listed.cache_clear()
    found = planned(loaded)
    assert found.locked
    assert [one.spec.full_name for one in found.gems] == ["one-1.0"]
    (kept,) = relock.relock(loaded, upgrade=False, events=Events())
    assert kept.changes == ()
    (newer,) = relock.relock(loaded, upgrade=True, events=Events())
    assert newer.changes == (("one", "1.0", "1.5"),)
    with pytest.raises(UsageError, match="does not fit its recipe") as raised:
        planned(recipe(tmp_path, 'gems = ["one@2.0"]'))
    assert raised.value.why == ("one: the recipe asks for = 2.0, the lock is for ~> 1.0",)


def test_a_lock_without_checksums_warns_and_the_plan_has_the_hashes(gem_index: Path, tmp_path: Path) -> None:
    kit.pack(gem_index / "gems", "one", "1.0")
    kit.write_index(gem_index)
    loaded = recipe(tmp_path, 'gems = ["one"]')
    (locked,) = relock.relock(loaded, upgrade=False, events=Events())
    assert planned(loaded).warnings == ()
    text = locked.path.read_text(encoding="utf-8")
    locked.path.write_text(text.partition("\nCHECKSUMS")[0] + "\n", encoding="utf-8")
    found = planned(loaded)
    assert not found.locked
    (warning,) = found.warnings
    assert "the lock has no CHECKSUMS of one, so the index decides on their files" in warning
    assert len(str(found.packages[0].sha256)) == 64


def test_a_gem_that_changed_under_its_version_is_refused(gem_index: Path, tmp_path: Path) -> None:
    kit.pack(gem_index / "gems", "one", "1.0", {"lib/one.rb": b"# as it was locked\n"})
    kit.write_index(gem_index)
    loaded = recipe(tmp_path, 'gems = ["one"]')
    relock.relock(loaded, upgrade=False, events=Events())
    kit.pack(gem_index / "gems", "one", "1.0", {"lib/one.rb": b"raise 'other'\n"})
    with pytest.raises(BuildError, match="hash mismatch"):
        planned(loaded)


def test_a_gemfile_needs_its_lock_and_may_leave_gems_out(gem_index: Path, tmp_path: Path) -> None:
    kit.pack(gem_index / "gems", "one", "1.0")
    kit.pack(gem_index / "gems", "tool", "1.0")
    kit.write_index(gem_index)
    loaded = recipe(tmp_path, 'file = "Gemfile"\nwithout = ["tool"]') if _gemfile(tmp_path) else None
    assert loaded
    with pytest.raises(UsageError, match=r"no Gemfile.lock beside Gemfile"):
        planned(loaded)
    lock = "GEM\n  remote: x\n  specs:\n    one (1.0)\n    tool (1.0)\n\nPLATFORMS\n  ruby\n\nDEPENDENCIES\n  one\n{}"
    path = tmp_path / "recipes/some/Gemfile.lock"
    path.write_text(lock.format(""), encoding="utf-8")
    with pytest.raises(UsageError, match="does not fit") as raised:
        planned(loaded)
    assert raised.value.why == ("tool is in Gemfile and not in its lock",)
    path.write_text(lock.format("  tool\n"), encoding="utf-8")
    found = planned(loaded)
    assert [one.spec.full_name for one in found.gems] == ["one-1.0"]
    assert not found.locked  # Bundler before 2.6 writes no hashes
    relock.relock(loaded, upgrade=False, events=Events())
    assert planned(loaded).locked


def needing(folder: Path, glibc: str) -> bytes:
    """Return a library that asks the C library for a symbol of that version."""
    if reason := bad.usable():
        pytest.skip(reason)
    return Workshop(folder, lambda *_: {}).needing("libc.so.6", "-Wl,--no-as-needed", version=f"GLIBC_{glibc}")


def _gemfile(tmp_path: Path) -> bool:
    path = tmp_path / "recipes/some/Gemfile"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("source 'https://example.org'\ngem 'one'\ngroup :test do\n  gem \"tool\"\nend\n", encoding="utf-8")
    return True


def test_a_precompiled_gem_is_taken_when_lambdas_glibc_is_new_enough(gem_index: Path, tmp_path: Path) -> None:
    source = {"ext/one/extconf.rb": b"", "lib/one.rb": b""}
    kit.pack(gem_index / "gems", "one", "1.0", source, extensions=["ext/one/extconf.rb"])
    for glibc in ("2.17", "2.38"):
        fat = {"lib/one.rb": b"", "lib/one/3.3/one.so": needing(tmp_path, glibc), "lib/one/3.4/one.so": b"\x7fELF?"}
        kit.pack(gem_index / "gems", "one", "1.0", fat, platform="x86_64-linux-gnu")
        kit.write_index(gem_index)
        index.listed.cache_clear()
        (found,) = planned(recipe(tmp_path, 'gems = ["one"]')).gems
        assert found.compiled == (glibc == "2.38")
        assert found.spec.platform == ("ruby" if glibc == "2.38" else "x86_64-linux-gnu")
    assert "needs glibc 2.38" in found.reason
    (never,) = planned(recipe(tmp_path, 'gems = ["one"]\nprecompiled = "never"')).gems
    assert never.compiled
    with pytest.raises(BuildError, match="needs an engine"):
        planned(recipe(tmp_path, 'gems = ["one"]\nprecompiled = "never"'), wheels_only=True)


def test_libraries_for_other_rubies_stay_out(gem_index: Path, tmp_path: Path) -> None:
    fat = {"lib/one.rb": b"", "lib/one/3.3/one.so": needing(tmp_path, "2.17"), "lib/one/3.4/one.so": b"\x7fELF?"}
    kit.pack(gem_index / "gems", "one", "1.0", fat, platform="x86_64-linux-gnu")
    kit.write_index(gem_index)
    found = planned(recipe(tmp_path, 'gems = ["one"]'))
    paths = {entry.path for entry in found.assemble(tree.Tree(()), {}, tmp_path)}
    root = "ruby/gems/3.3.0"
    assert f"{root}/gems/one-1.0-x86_64-linux-gnu/lib/one/3.3/one.so" in paths
    assert not any("/3.4/" in path for path in paths)
    assert f"{root}/specifications/one-1.0-x86_64-linux-gnu.gemspec" in paths


@pytest.mark.parametrize("name", ["../out.rb", "/etc/out.rb", "lib/../../out.rb"])
def test_a_gem_that_leaves_its_folder_is_refused(tmp_path: Path, name: str) -> None:
    path = kit.pack(tmp_path, "evil", files={name: b"x"})
    with pytest.raises(
        BuildError, match=r"^evil-1\.0\.gem sends a value that is not a path below its folder"
    ) as raised:
        list(gemspec.contents(path))
    assert raised.value.why == (repr(name),)


def member(name: str, kind: bytes = tarfile.REGTYPE, pointed: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, pointed
    return info


def test_links_in_gems_are_links_in_layers(gem_index: Path, tmp_path: Path) -> None:
    links = [member("lib/two.rb", tarfile.SYMTYPE, "one.rb"), member("data", tarfile.SYMTYPE, "./lib")]
    kit.pack(gem_index / "gems", "one", "1.0", more=[*links, member("empty", tarfile.DIRTYPE)])
    kit.write_index(gem_index)
    found = planned(recipe(tmp_path, 'gems = ["one"]'))
    content = found.assemble(tree.Tree(()), {}, tmp_path)
    root = "ruby/gems/3.3.0/gems/one-1.0"
    assert content.links() == {f"{root}/data": "./lib", f"{root}/lib/two.rb": "one.rb"}


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (member("lib/two.rb", tarfile.SYMTYPE, "../../out"), "is not a path below its folder"),
        (member("lib/two.rb", tarfile.SYMTYPE, "/etc/passwd"), "is not a path below its folder"),
        (member("lib/two.rb", tarfile.LNKTYPE, "lib/one.rb"), "lib/two.rb is neither a file nor a symbolic link"),
        (member("lib/two.rb", tarfile.FIFOTYPE), "lib/two.rb is neither a file nor a symbolic link"),
        (member("lib/one.rb"), "lib/one.rb is in it twice"),
        (member("./lib/one.rb"), "lib/one.rb is in it twice"),
        (member("lib", tarfile.SYMTYPE, "other"), "lib is in it twice"),
        (member("lib/one.rb/two.rb"), "lib/one.rb/two.rb is in it twice"),
    ],
)
def test_what_no_layer_can_have_of_a_gem_is_told(tmp_path: Path, more: tarfile.TarInfo, why: str) -> None:
    path = kit.pack(tmp_path, "one", more=[more])
    with pytest.raises(BuildError) as raised:
        list(gemspec.contents(path))
    assert why in f"{raised.value} {raised.value.why}"


def test_what_is_no_gem_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.gem").write_bytes(b"no tar")
    with pytest.raises(BuildError, match="no gem that can be read"):
        gemspec.metadata(tmp_path / "a.gem")


@pytest.mark.parametrize(
    "packed",
    [gzip.compress(b"[" * 20_000), gzip.compress(b"name: one")[:10] + b"\xff" * 20, b"no gzip", b""],
    ids=["nested", "damaged", "plain", "empty"],
)
def test_damaged_metadata_is_told(tmp_path: Path, packed: bytes) -> None:
    with tarfile.open(tmp_path / "a.gem", "w") as archive:
        info = tarfile.TarInfo("metadata.gz")
        info.size = len(packed)
        archive.addfile(info, io.BytesIO(packed))
    with pytest.raises(BuildError, match="^one.gem is no gem that can be read"):
        gemspec.metadata(tmp_path / "a.gem", "one.gem")


BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (f"{BOMB}authors: *a8\n", "more than 200,000 values"),
        ("authors: &a [*a]\n", "more than 200,000 values"),
        ("dependencies: [x]\n", "no attribute"),
        ("dependencies: [{}]\n", "name"),
        ("dependencies: 5\n", "`dependencies` is not a list"),
        ("required_ruby_version: {requirements: [x]}\n", "unpack"),
        ("require_paths: 5\n", "`require_paths` is not a list"),
        ("authors: *nothing\n", "undefined alias"),
    ],
)
def test_odd_metadata_is_told(tmp_path: Path, more: str, why: str) -> None:
    packed = gzip.compress(f"--- !ruby/object:Gem::Specification\nname: one\n{more}".encode())
    with tarfile.open(tmp_path / "a.gem", "w") as archive:
        info = tarfile.TarInfo("metadata.gz")
        info.size = len(packed)
        archive.addfile(info, io.BytesIO(packed))
    with pytest.raises(BuildError, match="^one.gem is no gem that can be read") as raised:
        gemspec.metadata(tmp_path / "a.gem", "one.gem")
    assert why in raised.value.why[0]


def test_aliases_of_old_gems_are_read(tmp_path: Path) -> None:
    text = """--- !ruby/object:Gem::Specification
name: one
dependencies:
- !ruby/object:Gem::Dependency
  name: two
  requirement: &70 !ruby/object:Gem::Requirement
    requirements:
    - - ">="
      - !ruby/object:Gem::Version
        version: "1"
  type: :runtime
  version_requirements: *70
"""
    packed = gzip.compress(text.encode())
    with tarfile.open(tmp_path / "a.gem", "w") as archive:
        info = tarfile.TarInfo("metadata.gz")
        info.size = len(packed)
        archive.addfile(info, io.BytesIO(packed))
    found = gemspec.text(gemspec.metadata(tmp_path / "a.gem", "one.gem"), "1.0", "ruby")
    assert 's.add_runtime_dependency("two".freeze, [">= 1".freeze])' in found


def test_fields_of_a_gem_are_data_for_ruby(tmp_path: Path) -> None:
    hostile = "#{system('x')} #@x #$x \\ \" ' \n\t\x00\x7f\u2028 =begin __END__"
    found = {**gemspec.metadata(kit.pack(tmp_path, "one")), "summary": hostile, "authors": [hostile, "\ud800"]}
    lines = gemspec.text(found, "1.0", "ruby").split("\n")
    assert [line for line in lines if line.startswith(("=begin", "__END__"))] == []
    (summary,) = [line for line in lines if "s.summary" in line]
    assert not re.search(r"(?<!\\)#[{@$]", summary)
    literal = summary.partition(" = ")[2].removesuffix(".freeze").replace("\\#", "#")
    assert json.loads(literal) == hostile


def test_metadata_has_a_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = kit.pack(tmp_path, "one")
    size = len(gemspec.text(gemspec.metadata(path), "1.0", "ruby"))
    monkeypatch.setattr(gemspec, "_MOST", size // 8)
    with pytest.raises(BuildError, match="^one.gem is no gem that can be read") as raised:
        gemspec.metadata(path, "one.gem")
    assert raised.value.why == ("its metadata has more than 0 MB",)


@pytest.mark.parametrize(
    ("where", "value"), [("name", "one\nsystem('x')"), ("require_paths", ["lib\nx"]), ("extensions", ["../x"])]
)
def test_metadata_that_would_become_code_or_a_path_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, value: object
) -> None:
    path = kit.pack(tmp_path, "one")
    whole = gemspec.metadata(path)
    monkeypatch.setattr(gemspec, "_parsed", lambda *_: {**whole, where: value})
    with pytest.raises(BuildError, match="^one.gem sends a value that is not a"):
        gemspec.metadata(path, "one.gem")


def test_a_gem_of_another_name_is_refused(gem_index: Path, tmp_path: Path) -> None:
    made = kit.pack(gem_index / "gems", "two", "1.0")
    made.rename(made.with_name("one-1.0.gem"))
    kit.write_index(gem_index)
    (gem_index / "info" / "two").rename(gem_index / "info" / "one")
    with pytest.raises(BuildError, match="sends a value that is not the name in one-1.0.gem, one") as raised:
        planned(recipe(tmp_path, 'gems = ["one"]'))
    assert raised.value.why == ("'two'",)


def test_a_gem_without_a_checksum_is_refused(gem_index: Path, tmp_path: Path) -> None:
    kit.pack(gem_index / "gems", "one", "1.0")
    kit.write_index(gem_index)
    info = gem_index / "info" / "one"
    info.write_text(info.read_text(encoding="utf-8").replace("checksum:", "other:"), encoding="utf-8")
    with pytest.raises(BuildError, match=r"^the index of gems gives no SHA-256 for one-1\.0\.gem"):
        planned(recipe(tmp_path, 'gems = ["one"]'))


def test_a_silent_index_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUNDLE_MIRROR__ALL", "http://127.0.0.1:9/")
    monkeypatch.setattr("time.sleep", lambda _: None)
    index.listed.cache_clear()
    with pytest.raises(UsageError, match="did not respond to the request for one") as raised:
        planned(recipe(tmp_path, 'gems = ["one"]'))
    assert "BUNDLE_MIRROR__ALL" in str(raised.value.hint)


def test_a_python_runtime_takes_no_gems(tmp_path: Path) -> None:
    folder = tmp_path / "recipes" / "some"
    folder.mkdir(parents=True)
    text = RECIPE.format('gems = ["one"]').replace("ruby3.3", "python3.13")
    (folder / "recipe.toml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as raised:
        recipes.load(folder.parent, "some")
    assert any("needs a runtime of ruby" in line for line in raised.value.why)


def test_the_plan_names_every_gem(gem_index: Path, tmp_path: Path) -> None:
    kit.pack(gem_index / "gems", "one", "1.0")
    kit.write_index(gem_index)
    loaded = recipe(tmp_path, 'gems = ["one"]')
    found = plan(loaded, targets(loaded.recipe)[0])
    assert found.route == "gems"
    (row,) = found.as_json()["packages"]
    assert (row["name"], row["version"], row["route"], row["reason"]) == ("one", "1.0", "gem", "pure Ruby")
    assert len(row["sha256"]) == 64
