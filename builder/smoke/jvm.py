"""Tests of layers for Java: code compiled in the runtime's own image, with the class path of Lambda."""

import re
from collections.abc import Iterator

from builder.base import programs
from builder.engine.sandbox import File
from builder.model.runtimes import Runtime
from builder.model.tools import tools

_MODERN = 17


def command(runtime: Runtime) -> list[str]:
    """Return the command that compiles and runs Test.java."""
    return _run(runtime, "test", "Test.java")


def classes(runtime: Runtime, name: str) -> list[str]:
    """Return the command that compiles a source file and prints its classes in base64, one on a line."""
    return _run(runtime, "classes", name)


def _run(runtime: Runtime, purpose: str, name: str) -> list[str]:
    series = runtime.series if runtime.series != "8" else "1.8"
    return ["/bin/sh", "-euc", programs.text("smoke/java.sh"), "sh", purpose, min(series, "17", key=float), name]


def compiler(runtime: Runtime) -> Iterator[File]:
    """Yield the jar of the compiler. It is downloaded once."""
    from builder.packages.maven import mvn

    ecj = tools().ecj if int(runtime.series) >= _MODERN else tools().ecj_java8
    path = mvn.jars(ecj.jar)[ecj.coordinates]
    yield "var/task/ecj.jar", 0o644, path.read_bytes(), None


def files(code: str) -> Iterator[File]:
    """Yield a program whose main method has the statements of a test. Import declarations are moved to its top."""
    imports = "".join(f"{line}\n" for line in re.findall(r"^\s*import [\w.*$ ]+;", code, re.MULTILINE))
    rest = re.sub(r"^\s*import [\w.*$ ]+;", "", code, flags=re.MULTILINE)
    text = programs.text("smoke/Test.java").replace("@IMPORTS@", imports).replace("@CODE@", rest)
    yield "var/task/Test.java", 0o644, text.encode(), None
