"""The schema of Terraform's AWS provider, as it is in the CDKTF bindings, which are generated from it."""

import re
import subprocess
import tarfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from kit.real_tools import BIN

PACKAGE = "@cdktf/provider-aws@21.22.1"
"""Bindings of provider 6.25.0."""
META = {"__is_block__", "__comments__", "depends_on", "count", "for_each", "provider", "lifecycle"}


def fetch(folder: Path) -> Path:
    """Return the package."""
    subprocess.run([BIN / "npm", "pack", "--silent", PACKAGE], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    (packed,) = folder.glob("*.tgz")
    return packed


@cache
def schema(packed: Path, kind: str) -> dict[str, bool]:
    """Return the attributes of a resource, and whether each is required."""
    name = kind.removeprefix("aws_").replace("_", "-")
    with tarfile.open(packed) as opened:
        source = opened.extractfile(f"package/lib/{name}/index.d.ts")
        assert source
        text = source.read().decode()
    start = text.index("Config extends cdktf.TerraformMetaArguments")
    body = text[start : text.index("\n}", start)]
    camel = re.findall(r"^    readonly (\w+)(\??):", body, flags=re.MULTILINE)
    return {re.sub(r"([A-Z])", lambda found: f"_{found[1].lower()}", word): not mark for word, mark in camel}


def fits(packed: Path, kind: str, attributes: Iterable[str]) -> None:
    """Check that a resource has nothing that the provider does not know, and all that it must have."""
    known = schema(packed, kind)
    assert set(attributes) - META <= set(known), kind
    assert {name for name, must in known.items() if must} <= set(attributes), kind
