"""Three tiers of tests: in this process, with a container engine, of minutes each. What a run leaves out is told."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from kit.worlds.all import WORLDS

_OF_FIXTURES = {"engine": {"engine", "_pins", "browser"}}
"""The tier of a test by what it asks for. Tests that fetch many megabytes of packages say it by the marker."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tier:
    why: str
    """What its tests need."""
    command: str


TIERS = {
    # The longest first: a test of minutes that needs an engine is run by `make test-long`.
    "long": Tier(why="minutes for each test", command="make test-long"),
    "engine": Tier(
        why="a container engine with the stand-ins, Chromium, Maven or Go, or many megabytes of packages",
        command="make test-engine",
    ),
}
UNMARKED = Tier(why="nothing but Python", command="make test")


class Tiers:
    """Marks tests, and counts those that a tier leaves out: in the workers, told by the process that has them."""

    def __init__(self) -> None:
        self.left_out: Counter[str] = Counter()

    @pytest.hookimpl(tryfirst=True)  # before `-m` looks at the marks
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            for tier, fixtures in _OF_FIXTURES.items():
                if not fixtures.isdisjoint(getattr(item, "fixturenames", ())):
                    item.add_marker(tier)
            if _compiles(item) or _is_of_maven(item):
                item.add_marker("engine")

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        self.left_out.update(_tier(item) for item in items)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput["left_out"] = dict(self.left_out)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        self.left_out |= Counter(getattr(node, "workeroutput", {}).get("left_out", {}))  # each worker sees all tests

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self.left_out or terminalreporter.config.option.keyword:  # who names tests knows what is left out
            return
        terminalreporter.section("not run")
        for name, count in sorted(self.left_out.items()):
            tier = TIERS.get(name, UNMARKED)
            terminalreporter.write_line(f"{count:5} tests, `{tier.command}`: needs {tier.why}")
        skipped = len(terminalreporter.stats.get("skipped", []))
        if skipped:
            terminalreporter.write_line(f"{skipped:5} tests, skipped: the summary has the reason of each")


def _compiles(item: pytest.Item) -> bool:
    """Tell whether a container compiles the packages of the world that a test of the contract is about."""
    name = getattr(getattr(item, "callspec", None), "params", {}).get("world")
    return name in WORLDS and WORLDS[name].compiled and "container" in getattr(item, "fixturenames", ())


def _is_of_maven(item: pytest.Item) -> bool:
    """Tell whether a test of all ecosystems is that of Maven, which starts a JVM for each command."""
    return "maven" in getattr(getattr(item, "callspec", None), "params", {}).values()


def _tier(item: pytest.Item) -> str:
    return next((name for name in TIERS if item.get_closest_marker(name)), "")
