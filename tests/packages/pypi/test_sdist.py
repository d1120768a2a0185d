"""Source distributions, as they are found in an index."""

import pytest
from kit.wheels import Index, make_sdist

from builder.packages.pypi import sdist


@pytest.mark.parametrize("python", [">=3.20", ">=2.7,<3.0", ">=3.6"])
def test_an_sdist_is_found_whatever_python_it_is_for(index: Index, python: str) -> None:
    """Neither the Python that layerwright runs with nor uv's own default decides what compiles for another one."""
    metadata = f"Metadata-Version: 1.2\nName: other\nVersion: 1.0\nRequires-Python: {python}\n"
    made = make_sdist(index.folder, "other", "1.0", "", {"PKG-INFO": metadata})
    assert sdist.locate("other", "1.0").filename == made.name
