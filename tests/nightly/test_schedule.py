"""The order of builds, and the machine of each."""

import threading
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from kit.commands import pip_recipe, write_recipe

from builder.base import processes
from builder.engine.client import Engine
from builder.engine.nodes import Node
from builder.model import recipes
from builder.model.target import targets
from builder.nightly import schedule
from builder.nightly.records import Point, Record
from builder.nightly.schedule import HOST, Machine, Machines, Stop, Task

X86 = Node(name="big", native="linux/amd64", platforms=("linux/amd64", "linux/arm64"))
ARM = Node(name="small", native="linux/arm64", platforms=("linux/arm64",))


def engine(*nodes: Node) -> Engine:
    return Engine(kind="docker", program="docker", version="27", nodes=nodes)


@pytest.fixture
def tasks(tmp_path: Path) -> list[Task]:
    """Make three tasks: compiled ones for both architectures, and one of wheels."""
    both = ("x86_64", "arm64")
    write_recipe(tmp_path, "c", pip_recipe("c", "c==1", architectures=both, more='wheels = "never"'))
    write_recipe(tmp_path, "w", pip_recipe("w", "w==1"))
    found = []
    for name in ("c", "w"):
        loaded = recipes.load(tmp_path / "recipes", name)
        found += [
            Task(loaded=loaded, target=target, slot=target.name, reasons=("x",), inputs={}, record=None)
            for target in targets(loaded.recipe)
        ]
    return found


def took(task: Task, seconds: float) -> Task:
    point = Point(run="1", at="", revision=1, bytes=1, unzipped_bytes=1, seconds=seconds)
    record = Record(
        slot="s", target="t", recipe="r", layer_version="1", runtimes=(), architectures=(), history=(point,)
    )
    return replace(task, record=record)


def test_the_longest_begins_first_and_what_nobody_knows_before_it(tasks: list[Task]) -> None:
    short, long, unknown = took(tasks[0], 1.0), took(tasks[1], 100.0), tasks[2]
    assert schedule.ordered([short, long, unknown]) == [unknown, long, short]


def names(machines: Machines, tasks: list[Task]) -> list[set[str]]:
    return [machines.able(task) for task in tasks]


def test_a_target_goes_to_a_node_of_its_architecture(tasks: list[Task]) -> None:
    two = Machines(engine(X86, ARM), 4, 2)
    assert names(two, tasks) == [{"big"}, {"small"}, {HOST}]
    assert two.slots(tasks) == {HOST: 4, "big": 2, "small": 2}
    assert two.slots(tasks[:1]) == {"big": 2}
    assert names(Machines(engine(X86), 1, 1), tasks) == [{"big"}, {"big"}, {HOST}]  # emulated there
    assert names(Machines(None, 1, 1), tasks) == [{HOST}, {HOST}, {HOST}]
    both = Machines(engine(X86, replace(X86, name="bigger")), 1, 1)
    assert names(both, tasks) == [{"big", "bigger"}, {"big", "bigger"}, {HOST}]


def test_what_a_lost_node_would_do_others_do(tasks: list[Task]) -> None:
    machines = Machines(engine(X86, ARM), 1, 1)
    machines.lose(machine(machines, "small"))
    assert names(machines, tasks) == [{"big"}, {"big"}, {HOST}]
    machines.lose(machine(machines, "big"))
    assert names(machines, tasks) == [{"big"}, {"small"}, {HOST}]  # nobody is left, so each waits for its own


def machine(machines: Machines, name: str) -> Machine:
    return next(one for one in machines.every if one.name == name)


def test_every_place_works_at_most_at_its_width_and_all_at_once(tasks: list[Task]) -> None:
    running: Counter[str] = Counter()
    most: Counter[str] = Counter()
    done: list[str] = []
    lock = threading.Lock()

    def work(_: Task, machine: Machine) -> bool:
        with lock:
            running[machine.name] += 1
            most[machine.name] = max(most[machine.name], running[machine.name])
        time.sleep(0.05)
        with lock:
            running[machine.name] -= 1
            done.append(machine.name)
        return True

    two = Machines(engine(X86, replace(X86, name="bigger")), 3, 1)
    schedule.run(tasks * 6, two, work, Stop(), fail_fast=False)
    assert most == {HOST: 3, "big": 1, "bigger": 1}
    assert len(done) == 18
    assert done.count(HOST) == 6
    assert min(done.count("big"), done.count("bigger")) >= 4  # both have their share


def test_when_a_node_is_lost_its_queue_goes_on_elsewhere(tasks: list[Task]) -> None:
    machines = Machines(engine(X86, ARM), 1, 1)
    done: list[str] = []

    def work(_: Task, machine: Machine) -> bool:
        if machine.name == "small":
            machines.lose(machine)
        done.append(machine.name)
        return True

    schedule.run([tasks[1]] * 5, machines, work, Stop(), fail_fast=False)
    assert done == ["small", "big", "big", "big", "big"]


def test_others_go_on_when_one_fails_unless_asked(tasks: list[Task]) -> None:
    done: list[str] = []
    stop = Stop()

    def work(task: Task, _: Machine) -> bool:
        done.append(task.target.name)
        return task is not tasks[0]

    alone = Machines(None, 1, 1)
    schedule.run(tasks, alone, work, stop, fail_fast=False)
    assert done == [task.target.name for task in tasks]
    done.clear()
    schedule.run(tasks, alone, work, stop, fail_fast=True)
    assert done == [tasks[0].target.name]


def test_what_nobody_expected_ends_the_night_at_once(tasks: list[Task], monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[bool] = []
    # For real, it would keep this very process from starting programs ever after.
    monkeypatch.setattr(processes, "kill_all", lambda: killed.append(True))

    def work(_: Task, __: Machine) -> bool:
        msg = "a bug"
        raise RuntimeError(msg)

    with pytest.raises(RuntimeError, match="a bug"):
        schedule.run(tasks, Machines(None, 1, 1), work, Stop(), fail_fast=False)
    assert killed == [True]
