"""What programs and libraries open by name at run time: the names of libraries that stand in them beside `dlopen`."""

import re
from collections import defaultdict
from functools import cache

from builder.layer.elf import Elf
from builder.layer.python_loads import OpenedName
from builder.model.loaded_by_name import known

_DLOPEN = b"\0dlopen\0"


def opened(data: bytes, elf: Elf) -> tuple[OpenedName, ...]:
    """Return the libraries that an ELF file may open, of those that a package is known for.

    Of others, most are of graphics cards and desktops, and who looks for them does without.
    """
    if _DLOPEN not in data:
        return ()
    found: dict[str, list[str]] = defaultdict(list)
    for match in _pattern().finditer(data):
        name = match[1].decode("ascii")
        if name not in elf.needed and name != elf.soname:
            found[name.partition(".so")[0]].append(name)
    return tuple(OpenedName(names=tuple(dict.fromkeys(names))) for names in found.values())


@cache
def _pattern() -> re.Pattern[bytes]:
    starts = "|".join(sorted(map(re.escape, known().libraries)))
    return re.compile(rf"\0(lib(?:{starts})(?:-[\w.]+?)?\.so(?:\.\d+)*)(?=\0)".encode())
