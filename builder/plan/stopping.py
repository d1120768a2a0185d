"""Dockerfiles that stop at one step: its stage as the step finds it, with its mounts as copies, for a shell. Pure."""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence

from builder.base.frozen import dataclass

FOLDER = "stopped"
"""The folder of the build context, and below /layerwright in the container, with `FILES`."""
REPEAT, PROLOGUE = "repeat.sh", "prologue.sh"
"""What repeats the step, and what sets the environment that it works in."""
_STAGE = re.compile(r"^FROM (?:--\S+ )?\S+ AS (?P<name>\S+)$", re.MULTILINE)
_RUN = re.compile(r"^RUN (?:.*\\\n)*.*$", re.MULTILINE)
_OPTION = re.compile(r"(?:RUN )?\s*--(?P<name>network|mount)=(?P<value>\S+)\s+(?:\\\n\s*)*")
_BUILDKIT = re.compile(r"^\[(?:\S+ )?(?P<stage>[\w.-]+) +\d+/\d+\] (?P<text>RUN .*)$", re.DOTALL)
_PODMAN = re.compile(r"^(?:\[(?P<index>\d+)/\d+\] )?STEP \d+/\d+: (?P<text>RUN .*)$", re.DOTALL)
_AND = re.compile(r"\s*&&\s*(?:\\\n\s*)?")
_PREPARES = re.compile(r'(?:\. /|cd |export |[A-Z_]+=(?:"[^"]*"|\S*)$)')
"""A command of a step that only sets its environment or its folder."""
_ASSIGNED = re.compile(r"[A-Za-z_]\w*=")
_READ_FIRST = ". /layerwright/inside/environment.sh"


@dataclass(frozen=True, kw_only=True, slots=True)
class StoppedFile:
    """A Dockerfile whose last stage is one of a build's, up to a step or behind it."""

    stage: str
    dockerfile: str
    command: str
    """The shell text of the step."""
    network: bool
    """Whether the step has the network."""
    secrets: tuple[str, ...] = ()
    """Ids of the secrets that the step reads."""

    @property
    def repeat(self) -> str:
        """The shell script that runs the step again."""
        return f"cd /layerwright\n{self.command}\n"

    @property
    def prologue(self) -> str:
        """The shell script, to be read by another, that sets what the step has when it begins to work."""
        return "".join(f"{line}\n" for line in _prologue(self.command))


def before(dockerfile: str, instruction: str) -> StoppedFile | None:
    """Return the Dockerfile that ends before an instruction as an engine names it; None if it has no such step.

    BuildKit names the stage, Podman its number. If the text of the step has changed since, it is the stage's last one.
    """
    named = _BUILDKIT.match(instruction) or _PODMAN.match(instruction)
    if named is None:
        return None
    sections = dict(_sections(dockerfile))
    stage = _stage(list(sections), named.groupdict())
    runs = list(_runs(dockerfile, *sections[stage])) if stage in sections else []
    same = [run for run in runs if _plain(run.group()) in _plain(named["text"])]
    return _stop(dockerfile, stage, (same or runs)[-1], done=False) if runs else None


def _stage(stages: Sequence[str], named: Mapping[str, str | None]) -> str:
    """Return the stage that an engine means: the only one has no number. Empty if there is no such stage."""
    if stage := named.get("stage"):
        return stage
    number = int(named.get("index") or 1)
    return stages[number - 1] if 0 < number <= len(stages) else ""


def behind(dockerfile: str) -> StoppedFile:
    """Return the Dockerfile that ends behind the last step of all."""
    steps = [(stage, run) for stage, place in _sections(dockerfile) for run in _runs(dockerfile, *place)]
    stage, last = steps[-1]
    return _stop(dockerfile, stage, last, done=True)


def _sections(dockerfile: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield the name of each stage with its begin and end."""
    found = list(_STAGE.finditer(dockerfile))
    ends = [*(match.start() for match in found[1:]), len(dockerfile)]
    yield from ((match["name"], (match.end(), end)) for match, end in zip(found, ends, strict=True))


def _runs(dockerfile: str, begin: int, end: int) -> Iterator[re.Match[str]]:
    yield from _RUN.finditer(dockerfile, begin, end)


def _plain(text: str) -> str:
    return " ".join(text.replace("\\\n", " ").split())


def _stop(dockerfile: str, stage: str, run: re.Match[str], *, done: bool) -> StoppedFile:
    text, at = run.group(), 0
    options: list[tuple[str, str]] = []
    while option := _OPTION.match(text, at):
        options.append((option["name"], option["value"]))
        at = option.end()
    mounts = [_fields(value) for name, value in options if name == "mount"]
    kept = dockerfile[: run.end() if done else run.start()].rstrip("\n")
    copies = [_copy(mount) for mount in mounts if mount["type"] == "bind"]
    return StoppedFile(
        stage=stage,
        dockerfile="\n".join(
            [kept, *copies, f"COPY {FOLDER} /layerwright/{FOLDER}", f"COPY {FOLDER}/secrets /run/secrets", ""]
        ),
        command=text[at:].removeprefix("RUN ").strip(),
        network=("network", "none") not in options,
        secrets=tuple(mount["id"] for mount in mounts if mount["type"] == "secret"),
    )


def _fields(mount: str) -> dict[str, str]:
    return {name: value for name, _, value in (part.partition("=") for part in mount.split(","))}


def _copy(mount: dict[str, str]) -> str:
    """Return the instruction that copies what a step has as a mount."""
    source = f"--from={mount['from']} " if "from" in mount else ""
    return f"COPY {source}{mount['source']} {mount['target']}"


# ---- the environment of a step ---------------------------------------------------------------------------------------


def _prologue(command: str) -> Iterator[str]:
    """Yield the lines that set the environment of a step, from what it does before its first program, and by that."""
    parts = [part.strip() for part in _AND.split(command)]
    first = next((number for number, part in enumerate(parts) if not _PREPARES.match(part)), len(parts))
    if _READ_FIRST not in parts[:first]:
        yield _READ_FIRST
    yield from parts[:first]
    words = shlex.split(parts[first].replace("\\\n", " ")) if first < len(parts) else []
    while words and _ASSIGNED.match(words[0]):
        name, _, value = words.pop(0).partition("=")
        yield f"export {name}={shlex.quote(value)}"
    yield from _of_program(words)


def _of_program(words: Sequence[str]) -> Iterator[str]:
    """Yield what one of layerwright's own programs for steps sets before it begins."""
    program = words[1] if len(words) > 1 and words[0] == "sh" else ""
    if program.endswith("/script.sh"):
        yield shlex.join(["set", "--", *words[3:]])
        yield ". /layerwright/inside/script_variables.sh"
        yield "set --"
        yield 'cd "${SRC:-/layerwright/work}"'
    elif "/systems/" in program:
        yield f'cd "$(source_folder {shlex.quote(words[2])})"'
