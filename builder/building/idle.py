"""Patterns of a command line that match nothing in the layer: what a misspelled one is for would stay in."""

from builder.base.errors import UsageError, near
from builder.layer.patterns import Matcher
from builder.layer.tree import Tree
from builder.model.recipes import Loaded
from builder.packages import table


def refuse_prune(loaded: Loaded, content: Tree) -> None:
    """Raise UsageError for a `--prune` that leaves nothing out. A recipe may prune what only some versions have."""
    usual = {pattern for each in table.of_recipe(loaded) for pattern in each.prune}
    named = [each for each in loaded.recipe.slim.prune if each not in usual] if loaded.adhoc else []
    for pattern in named:
        matcher = Matcher([pattern.removeprefix("!")])
        if not any(matcher.match_file(entry.path) for entry in content):
            names = {part for entry in content for part in entry.path.split("/")}
            msg = f"--prune {pattern} leaves nothing out{near(pattern.strip('/*'), names)}"
            hint = "a pattern as in .gitignore: `docs/` is every folder of that name, `*.md` every file with that end"
            raise UsageError(msg, hint=hint)
