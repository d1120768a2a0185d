"""What is tried of the gems in a layer: each is activated and required."""

from collections.abc import Iterator, Sequence

from builder.base import programs
from builder.layer.tree import Tree
from builder.model.runtimes import Runtime
from builder.packages import default_tests
from builder.packages.default_tests import DefaultTest, ItemOutcome, Judgement, TriedCount, TriedItem
from builder.packages.rubygems import installed


def tests(tree: Tree, runtime: Runtime) -> Iterator[DefaultTest]:
    """Yield the test of a layer with gems."""
    if runtime.language == "ruby" and (names := sorted(set(installed.names(tree)))):
        items = tuple(TriedItem(name=name) for name in names)
        code = programs.text("smoke/requires.rb")
        yield DefaultTest(what="requiring each gem", code=code, items=items, judge=judge)


def judge(given: Sequence[ItemOutcome]) -> Judgement:
    """Tell which gems cannot be required."""
    failed = [outcome for outcome in given if not outcome.fine]
    return Judgement(
        tried=(TriedCount(what="gems", count=len(given) - len(failed)),),
        failed=default_tests.failures(failed, "required"),
        code=default_tests.code(failed),
    )
