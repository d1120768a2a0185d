"""The metadata of an installed Python package."""

from pathlib import Path

from packaging.utils import canonicalize_name


def facts(folder: Path, package: str) -> tuple[str, str, list[str]]:
    """Return the summary, license and importable modules of an installed package; empty without metadata."""
    from importlib.metadata import PathDistribution

    for info in folder.glob("*.dist-info"):
        distribution = PathDistribution(info)
        if canonicalize_name(distribution.metadata["Name"]) != canonicalize_name(package):
            continue
        metadata = distribution.metadata.json
        license_text = str(metadata.get("license_expression") or metadata.get("license") or "")
        license_line = license_text.splitlines()[0][:100] if license_text else ""
        tops = {str(path).split("/")[0] for path in distribution.files or () if not str(path).startswith("..")}
        modules = sorted(top.removesuffix(".py") for top in tops if _is_module(folder, top))
        return str(metadata.get("summary") or "")[:256], license_line, modules
    return "", "", []


def modules(folder: Path, package: str) -> list[str]:
    """Return the importable modules of an installed package."""
    return facts(folder, package)[2]


def _is_module(folder: Path, top: str) -> bool:
    name = top.removesuffix(".py")
    return (
        name.isidentifier()
        and not name.startswith("_")
        and (folder / top).exists()
        and (top.endswith(".py") or (folder / top / "__init__.py").is_file())
    )
