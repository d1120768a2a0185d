"""A hook of MkDocs: what pages name outside of docs/ is in the repository, and not on the site."""

import re
from pathlib import Path
from typing import Any

_OUTSIDE = re.compile(r"(!?)\[([^\]]*)\]\((\.\./[^)\s]+)\)")


def on_page_markdown(markdown: str, page: Any, **_: object) -> str:  # noqa: ANN401  of MkDocs
    """Return a page with links out of docs/ as the paths that they name. Pictures are left out."""
    folder = Path(page.file.abs_src_path).parent

    def shown(found: "re.Match[str]") -> str:
        picture, text, path = found.groups()
        if not (folder / path.partition("#")[0]).exists():
            msg = f"{page.file.src_uri}: {path} is not there"
            raise FileNotFoundError(msg)
        return "" if picture else f"{text} (`{path.removeprefix('../')}`)"

    return _OUTSIDE.sub(shown, markdown)
