"""Checks of what packages unpack when they are first used."""

from collections.abc import Iterator

from builder.layer.checks import platforms
from builder.layer.checks.model import Subject, check
from builder.layer.findings import ERROR, WARNING, Finding
from builder.layer.names import TEST_DATA


@check(
    "packed-code",
    "Packages that unpack their programs at the first use need them for the layer's processor, too.",
)
def packed_code(subject: Subject) -> Iterator[Finding]:
    wanted = {arch.elf: arch.name for arch in subject.architectures}
    sets = platforms.sets([*subject.packed, *subject.elves])
    for path, code in subject.packed.items():
        members = sets[platforms.pattern(path)]
        machines = {machine for each in members if each in subject.packed for machine in subject.packed[each].machines}
        missing = [name for machine, name in wanted.items() if machine not in machines]
        if missing and code.unread and not code.machines and not TEST_DATA.search(path):
            yield _unread(path, code.unread)
        elif missing and code.machines:
            has = ", ".join(f"{machine.removeprefix('EM_')} (`{file}`)" for machine, file in code.machines.items())
            yield Finding(
                check="packed-code",
                severity=WARNING if TEST_DATA.search(path) else ERROR,
                path=path,
                message=f"holds code for {has}, and none for {' and '.join(missing)}",
                hint="install the package for the layer's processor, or build for the one that it has; in a recipe, "
                "[[allow]] with its path and a reason accepts what is never unpacked",
            )


def _unread(path: str, reason: str) -> Finding:
    return Finding(
        check="packed-code",
        severity=WARNING,
        path=path,
        message=f"is not looked into to its end, and may hold code for another processor: {reason}",
        hint="unpack it and check what it holds, or put that into the layer itself; in a recipe, [[allow]] with its "
        "path and a reason accepts it",
    )
