"""A Gemfile is read as far as it is plain, and refused with its line where it is not."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.base.errors import UsageError
from builder.packages.rubygems import gemfile

TEXT = """# frozen_string_literal: true
source "https://gems.test"
git_source(:github) { |repo| "https://git.test/#{repo}.git" }

ruby "3.3.0"
gem "rack", "~> 3.0", ">= 3.0.1" # web
gem 'pg', require: false
gem "debug", :group => [:development, :test], platforms: %i[ mri mingw ]
group :development, :test do
  gem "rspec"; gem "rubocop"
  gem "x",
    git: "https://git.test/x",
    ref: "abc"
end
group :assets, optional: true do
  gem("sass")
end
source "https://private.test" do
  gem "private", "1.0"
end
path "../libs" do
  gem "shared"
end
platforms :jruby do
  gem "jdbc"
end
gem "tzinfo-data", platforms: %i[windows jruby]
gemspec
__END__
anything
"""


def read(tmp_path: Path, text: str) -> gemfile.Gemfile:
    path = tmp_path / "Gemfile"
    path.write_text(text, encoding="utf-8")
    return gemfile.read(path)


def test_gems_have_their_groups_requirements_and_platforms(tmp_path: Path) -> None:
    found = read(tmp_path, TEXT)
    groups = {gem.name: sorted(gem.groups) for gem in found.gems}
    both = ["development", "test"]
    assert groups == {
        **{name: ["default"] for name in ("rack", "pg", "private", "shared", "jdbc", "tzinfo-data")},
        **dict.fromkeys(("debug", "rspec", "rubocop", "x"), both),
        "sass": ["assets"],
    }
    assert found.gems[0].requirements == ("~> 3.0", ">= 3.0.1")
    assert (found.gems[0].line, found.gems[5].line) == (6, 11)
    assert {gem.name for gem in found.gems if gem.elsewhere} == {"jdbc", "tzinfo-data"}
    assert found.optional == {"assets"}
    assert (found.ruby, found.has_gemspec) == ("3.3.0", True)


@pytest.mark.parametrize(
    "line",
    [
        'gem "x" if ENV["A"]',
        "gem name",
        'gem "x", "#{version}"',
        'gem "x", *options',
        'gem "x", version: File.read("v")',
        'gem "x", install_if: -> { true }',
        'eval_gemfile "other"',
        'if ENV["A"]',
        "unless true",
        "%w[a b].each do |name|",
        'require "json"',
        "system 'touch ran'",
        "`touch ran`",
        'name = "x"',
        "end",
        "gem",
        "group :x do",
        "do",
        'gem [["x"]]',
    ],
)
def test_what_is_not_plain_is_refused_with_its_line(tmp_path: Path, line: str) -> None:
    with pytest.raises(UsageError, match="Gemfile") as raised:
        read(tmp_path, f'source "https://gems.test"\n{line}\n')
    if line != "group :x do":
        assert "Gemfile:2: a Gemfile is not executed" in str(raised.value)
        assert "without" in str(raised.value.hint)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("text", ["gem 'a',\n" * 300_000, "gem " + "'a'," * 300_000, "x" * 4_000_000], ids=len)
def test_a_statement_without_an_end_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(
        UsageError, match="Gemfile:1: a Gemfile is not executed, and this line is not plain: it is too long"
    ):
        read(tmp_path, text)


@given(st.text(alphabet="gem \"'x,:=>[]()%wi{}#\\\ndoend~.1", max_size=80))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("any")
    try:
        read(folder, text)
    except UsageError as error:
        assert "Gemfile" in str(error)  # noqa: PT017  both are right
