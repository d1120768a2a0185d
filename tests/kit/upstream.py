"""Upstream sources: packed as their projects do, and served on loopback."""

import functools
import io
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from kit.handlers import FolderHandler

GREET = """
#include <stdio.h>
#include <yaml.h>
int main(void) { puts(yaml_get_version_string()); return 0; }
"""
"""A program in C that needs the headers of libyaml."""
MAKEFILE = """
PREFIX = /usr/local
greet: greet.c
\t$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $< -lyaml
install: greet
\tmkdir -p $(PREFIX)/bin
\tcp greet $(PREFIX)/bin/greet
"""

LIBRARY = {
    "CMakeLists.txt": "cmake_minimum_required(VERSION 3.10)\nproject(seven C)\nadd_library(seven seven.c)\n"
    "install(TARGETS seven LIBRARY DESTINATION lib)\ninstall(FILES seven.h DESTINATION include)\n",
    "seven.c": "int seven(void) { return 7; }\n",
    "seven.h": "int seven(void);\n",
}
"""A library in C that CMake builds."""


def pack(path: Path, files: Mapping[str, str], top: str = "tool-1.2/") -> Path:
    """Write an archive of text files, of the kind that its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as zipped:
            for name, text in files.items():
                zipped.writestr(top + name, text)
        return path
    kind = path.suffix.removeprefix(".").replace("tgz", "gz")
    with tarfile.open(path, f"w:{kind}") as archive:  # type: ignore[call-overload]
        for name, text in files.items():
            member = tarfile.TarInfo(top + name)
            member.size, member.mode = len(text.encode()), 0o755 if name == "configure" else 0o644
            archive.addfile(member, io.BytesIO(text.encode()))
    return path


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve a folder on loopback; yields its address, without a slash at the end."""
    folder.mkdir(exist_ok=True)
    quiet = functools.partial(FolderHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), quiet) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
