"""Hooks of MkDocs: what pages name outside of docs/ is in the repository, and not on the site; options stay whole."""

import re
from pathlib import Path
from typing import Any

_CODE = re.compile(r"(<pre.*?</pre>)|<code>(.*?)</code>", re.DOTALL)
_OPTION = re.compile(r"(?<!\S)--?[a-z][\w-]*")
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


def on_page_content(html: str, **_: object) -> str:
    """Return a page whose options are not broken at their hyphens: a line that ends in `-` says something else."""

    def whole(found: "re.Match[str]") -> str:
        if found[1]:
            return found[1]
        return f"<code>{_OPTION.sub(lambda option: f'<span class=option>{option[0]}</span>', found[2])}</code>"

    return _CODE.sub(whole, html)
