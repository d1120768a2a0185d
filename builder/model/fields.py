"""Types of single values in a recipe, with their validators."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, TypeVar

from builder.base.errors import near
from builder.base.programs import build_systems
from builder.base.rules import AfterValidator, Field, WithJsonSchema
from builder.model import runtime_names
from builder.model.architectures import ARCHITECTURES, canonical, unknown_architecture
from builder.model.runtime_tables import CUSTOM
from builder.model.runtimes import of_lambda, operating_systems, unknown_runtime, unknown_system

T = TypeVar("T")
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$"
PLACEHOLDERS = ("name", "version", "arch", "machine")
PUBLISHED = ("name", "version", "runtime", "arch")
"""Placeholders in names of published layers and parameters."""


def validated(problem: str | None, value: str) -> str:
    """Return the value, or raise ValueError with the problem if there is one; pydantic collects it."""
    if problem:
        raise ValueError(problem)
    return value


def _architecture(value: str) -> str:
    value = canonical(value)
    return validated(None if value in ARCHITECTURES else unknown_architecture(value), value)


def _runtime(value: str) -> str:
    value = runtime_names.canonical(value)
    return validated(unknown_runtime(value), value)


def _secret(value: str) -> str:
    own = value.startswith("layerwright-")
    return validated(f"`{value}`: names that begin with `layerwright-` are reserved" if own else None, value)


def _build_system(value: str) -> str:
    known = build_systems()
    problem = f"`{value}` is not one of {', '.join(known)}{near(value, known)}"
    return validated(None if value in known else problem, value)


def _placeholder_problem(value: str, placeholders: Sequence[str]) -> str | None:
    unknown = [word for word in re.findall(r"\{([^{}]*)\}", value) if word not in placeholders]
    listed = " ".join(f"{{{word}}}" for word in placeholders)
    return f"`{{{unknown[0]}}}` is not a valid placeholder; valid ones are {listed}" if unknown else None


def template(value: str) -> str:
    return validated(_placeholder_problem(value, PLACEHOLDERS), value)


def grant_problem(value: str) -> str | None:
    """Return the problem of a grant for a layer version, or None.

    The forms of ids are those of AddLayerVersionPermission in Lambda's API reference.
    """
    if re.fullmatch(r"public|account:\d{12}|org:o-[a-z0-9]{10,32}", value):
        return None
    return f"`{value}` is not account:ID with 12 digits, org:o-ID, or public"


def own_folder_problem(path: str | None) -> str | None:
    """Return the problem of a relative path that names the recipe's own folder, or None."""
    own = path is not None and all(part in {"", "."} for part in path.split("/"))
    return "`path` names a folder beside the recipe, not the recipe's own" if own else None


def layer_name(pattern: str, values: Mapping[str, str]) -> str:
    """Fill in the name of a published layer. Lambda allows no dots: python3.13 becomes python313, 2.3.2 2-3-2."""
    plain = {**values, "runtime": values.get("runtime", "").replace(".", "")}
    filled = re.sub(r"\{([a-z]+)\}", lambda match: plain.get(match[1], ""), pattern)
    return re.sub(r"-{2,}", "-", re.sub(r"[^A-Za-z0-9_-]", "-", filled)).strip("-")


def _placeholders(value: str, allowed: str) -> str:
    validated(_placeholder_problem(value, PUBLISHED), value)
    wrong = re.search(rf"[^{allowed}]", re.sub(r"\{[a-z]+\}", "", value))
    return validated(f"`{wrong[0]}` is not allowed in it" if wrong else None, value)


def _inside(value: str) -> str:
    parts = re.split(r"[/\\]", value)
    outside = value.startswith(("/", "\\")) or ".." in parts or re.match(r"[A-Za-z]:", value)
    return validated(f"`{value}` leaves its folder" if outside else None, value)


def _enum(values: Iterable[str]) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "enum": list(values)})


_OWN_RUNTIME = {"type": "string", "pattern": f"^{CUSTOM}"}
_RUNTIMES = WithJsonSchema({"anyOf": [{"type": "string", "enum": list(of_lambda())}, _OWN_RUNTIME]})
RuntimeName = Annotated[str, AfterValidator(_runtime), _RUNTIMES]
RuntimeText = Annotated[str, AfterValidator(runtime_names.canonical), _RUNTIMES]
"""The same where the runtimes of the project are not known yet: whether there is one of that name is asked later."""
ArchitectureName = Annotated[str, AfterValidator(_architecture), _enum(ARCHITECTURES)]
SystemName = Annotated[
    str, AfterValidator(lambda value: validated(unknown_system(value), value)), _enum(operating_systems())
]
BuildSystem = Annotated[str, AfterValidator(_build_system), _enum(build_systems())]
Text = Annotated[str, Field(min_length=1)]
Template = Annotated[Text, AfterValidator(template)]
RelativePath = Annotated[Text, AfterValidator(_inside)]
Version = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+_-]{0,63}$")]
PackageName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9+._:-]{0,127}$")]
Option = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]+$", description="One argument, passed without a shell.")]
SecretName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$"), AfterValidator(_secret)]
SourceName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Commit = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
GrantText = Annotated[Text, AfterValidator(lambda value: validated(grant_problem(value), value))]
LayerNamePattern = Annotated[
    str, Field(min_length=1, max_length=140), AfterValidator(lambda value: _placeholders(value, "A-Za-z0-9_-"))
]
SsmPattern = Annotated[
    str, Field(pattern="^/", max_length=500), AfterValidator(lambda value: _placeholders(value, "A-Za-z0-9_./-"))
]
