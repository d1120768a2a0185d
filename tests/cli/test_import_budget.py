"""What a command imports, in modules that are not of Python itself: each costs time at every start.

Seconds depend on the machine and modules do not, so growth is seen wherever the tests run. `pytest --update-golden`
writes what is meant.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from kit.commands import ROOT, layerwright, pip_recipe, write_recipe
from kit.wheels import Index, make_wheel

BUDGET = Path(__file__).with_name("import_budget.json")
GROWTH = 0.03
"""Part by which a command may grow unseen, and shrink."""
PROGRAM = """
import sys, sysconfig
from builder.cli import run
own = sysconfig.get_paths()["stdlib"]
try:
    run(sys.argv[1:])
finally:
    places = [getattr(module, "__file__", None) or own for module in list(sys.modules.values())]
    print(sum("site-packages" in place or not place.startswith(own) for place in places), file=sys.stderr)
"""
COMMANDS = {
    "nothing": ("--help",),
    "the list": ("list",),
    "lint": ("lint",),
    "an unchanged build": ("build", "a"),
    "a plan": ("plan", "a"),
    "an unchanged night": ("nightly", "a"),
}


@pytest.fixture
def folder(index: Index, tmp_path: Path) -> Path:
    """Make a folder with a locked recipe that is built."""
    make_wheel(index.folder, "a", "1.0", files={"a/__init__.py": b""})
    write_recipe(tmp_path, "a", pip_recipe("a", "a==1.0"))
    for words in (("lock", "a"), ("build", "a"), ("nightly", "a")):
        made = layerwright(*words, cwd=tmp_path)
        assert made.code in {0, 3}, made.err
    return tmp_path


@pytest.mark.parametrize("what", COMMANDS)
def test_a_command_imports_what_it_did(folder: Path, what: str, *, update_golden: bool) -> None:
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}){PROGRAM}", *COMMANDS[what]]
    done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode in {0, 3}, done.stderr
    modules = int(done.stderr.split()[-1])
    budget = json.loads(BUDGET.read_text(encoding="utf-8"))
    if update_golden:
        BUDGET.write_text(json.dumps({**budget, what: modules}, indent=2) + "\n", encoding="utf-8")
        return
    assert abs(modules - budget[what]) <= max(2, budget[what] * GROWTH), "imported before: import where it is used"
