"""Options of one test, given on the command line instead of in a recipe."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import click

from builder.base.frozen import dataclass
from builder.cli.options import shared
from builder.cli.options.parameters import Bundle, Mistake, Option, dependent, without_terminal
from builder.model.limits import MAX_MEMORY, MAX_TIMEOUT, MIN_MEMORY

if TYPE_CHECKING:
    from builder.model.recipe import Invoke, Test

_KINDS = ("python", "node", "ruby", "java", "shell", "files")
_NO_EVENT = "{}"
_OPEN = "-"
"""The value of --shell without code."""
_MEMORY, _TIMEOUT = 1024, 300


def _code(name: str, language: str) -> Option:
    return Option(f"--{name}", metavar="CODE", about=f"{language} code to run in the runtime's image.")


@dataclass(frozen=True, kw_only=True, slots=True)
class SmokeTestOptions(Bundle):
    """One test: code, files, or a function that is invoked."""

    python: Annotated[str | None, _code("python", "Python")]
    node: Annotated[str | None, _code("node", "Node.js")]
    ruby: Annotated[str | None, _code("ruby", "Ruby")]
    java: Annotated[str | None, _code("java", "Java")]
    shell: Annotated[
        str | None,
        Option(
            "--shell",
            metavar="CODE",
            about="Shell script to run with sh. Without CODE, behind the zips: a shell in the sandbox.",
            alone=_OPEN,
        ),
    ]
    files: Annotated[
        tuple[str, ...],
        Option("--files", metavar="PATH", about="File or folder below /opt that must exist; repeatable."),
    ]
    handler: Annotated[
        str | None,
        Option(
            "--handler",
            metavar="NAME",
            about="Handler of a function to invoke through Lambda's runtime interface emulator, for example "
            "app.handler.",
        ),
    ]
    code: Annotated[
        Path | None,
        Option(
            "--code",
            kind=shared.EXISTING_FILE,
            metavar="FILE",
            about="With --handler: source file of the function.",
        ),
    ]
    event: Annotated[
        str,
        Option("--event", default=_NO_EVENT, metavar="JSON", about="With --handler: event of the invocation."),
    ]
    response: Annotated[
        str | None,
        Option(
            "--response",
            metavar="JSON",
            about="With --handler: response that is required. Default: any without an error.",
        ),
    ]
    memory: Annotated[
        int,
        Option(
            "--memory",
            kind=click.IntRange(MIN_MEMORY, MAX_MEMORY),
            default=_MEMORY,
            metavar="MB",
            about="Memory of the function, in MB.",
        ),
    ]
    limit: Annotated[
        int,
        Option(
            "--timeout",
            kind=click.IntRange(1, MAX_TIMEOUT),
            default=_TIMEOUT,
            metavar="SECONDS",
            about="Time limit of one test, in seconds.",
        ),
    ]

    def mistakes(self) -> Iterator[Mistake]:
        kinds = [name for name in _KINDS if getattr(self, name)] + (["a handler"] if self.handler else [])
        if len(kinds) > 1:
            yield Mistake(f"one test at a time, not {' and '.join(kinds)}")
        if not self.handler:
            event = self.event != _NO_EVENT
            yield from dependent({"--code": self.code, "--event": event, "--response": self.response}, "--handler")
        if not kinds or self.opens_shell:
            limits = {"--memory": self.memory != _MEMORY, "--timeout": self.limit != _TIMEOUT}
            yield from dependent(limits, "a test, such as --python", "tests of recipes have limits of their own")
        if self.opens_shell:
            yield from without_terminal("--shell without code", "`--shell 'CODE'` runs a script in the sandbox")
        yield from _invalid_json({"--event": self.event, "--response": self.response})

    @property
    def opens_shell(self) -> bool:
        """Whether a shell is asked for, and no test."""
        return self.shell == _OPEN

    def test(self) -> "Test | None":
        """Return the test as a recipe has it; None without one."""
        from builder.model.recipe import Test

        if not (self.handler or any(getattr(self, name) for name in _KINDS)):
            return None
        return Test(
            python=self.python or None,
            node=self.node or None,
            ruby=self.ruby or None,
            java=self.java or None,
            shell=self.shell or None,
            files=self.files,
            invoke=self._invocation(self.handler) if self.handler else None,
            memory=self.memory,
            timeout=self.limit,
        )

    def _invocation(self, handler: str) -> "Invoke":
        from builder.model.recipe import Invoke

        return Invoke(
            handler=handler,
            code=self.code.read_text(encoding="utf-8") if self.code else None,
            event=json.loads(self.event),
            response=json.loads(self.response) if self.response else None,
            log=None if self.response else "REPORT",
        )


def _invalid_json(texts: Mapping[str, str | None]) -> Iterator[Mistake]:
    for option, text in texts.items():
        try:
            json.loads(text or "null")
        except ValueError as error:
            hint = "quote it for your shell: '{\"key\": 1}'"
            yield Mistake(f"{option} is not valid JSON: {error}", hint)
