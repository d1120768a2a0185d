"""The tier of tests that build layers of ecosystems whose packages a container compiles."""

import pytest
from kit.worlds.all import WORLDS


@pytest.hookimpl(tryfirst=True)  # before `-m` looks at the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them as the fixture `engine` marks others: which world asks for it only its parameter tells."""
    for item in items:
        name = getattr(getattr(item, "callspec", None), "params", {}).get("world")
        if name in WORLDS and "container" in getattr(item, "fixturenames", ()) and WORLDS[name].compiled:
            item.add_marker("engine")
