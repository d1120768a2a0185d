"""Tests of layers for Java: code compiled in the runtime's own image, with the class path of Lambda."""

import re
from collections.abc import Iterator

from builder.base import programs
from builder.engine.sandbox import File
from builder.model.runtimes import Runtime
from builder.packages.maven import mvn

ECJ = ("org.eclipse.jdt:ecj:3.33.0", "f7686c4960cf70c2ebc5c500a73a8cfc04541b730c18f1c5c21329889b137f45")
"""The compiler of Eclipse, a jar that needs no JDK, because Lambda's images have none. Runs on Java 17 and later."""
ECJ_OLD = ("org.eclipse.jdt:ecj:3.16.0", "b382e19c6b48d50d00eb4e8bd5464883ba2e0de33dec1b39cda3d7f5dadd63a2")
"""The last version that runs on Java 8."""
_MODERN = 17


def command(runtime: Runtime) -> list[str]:
    """Return the command that compiles and runs Test.java."""
    return _run(runtime, "test", "Test.java")


def classes(runtime: Runtime, name: str) -> list[str]:
    """Return the command that compiles a source file and prints its classes as a tar in base64."""
    return _run(runtime, "classes", name)


def _run(runtime: Runtime, purpose: str, name: str) -> list[str]:
    series = runtime.series if runtime.series != "8" else "1.8"
    return ["/bin/sh", "-euc", programs.text("smoke/java.sh"), "sh", purpose, min(series, "17", key=float), name]


def compiler(runtime: Runtime) -> Iterator[File]:
    """Yield the jar of the compiler. It is downloaded once."""
    coordinates, sha256 = ECJ if int(runtime.series) >= _MODERN else ECJ_OLD
    path = mvn.jars({coordinates: sha256})[coordinates]
    yield "var/task/ecj.jar", 0o644, path.read_bytes(), None


def files(code: str) -> Iterator[File]:
    """Yield a program whose main method has the statements of a test. Import declarations are moved to its top."""
    imports = "".join(f"{line}\n" for line in re.findall(r"^\s*import [\w.*$ ]+;", code, re.MULTILINE))
    rest = re.sub(r"^\s*import [\w.*$ ]+;", "", code, flags=re.MULTILINE)
    text = programs.text("smoke/Test.java").replace("@IMPORTS@", imports).replace("@CODE@", rest)
    yield "var/task/Test.java", 0o644, text.encode(), None
