"""Templates in all formats, each a complete file."""

import json
from collections.abc import Callable

from builder.model import facts
from builder.model.runtimes import runtimes
from builder.publish import stacks
from builder.publish.grants import ACTION
from builder.publish.subject import INLINE, Subject

_FAMILIES = {
    "python": "PYTHON",
    "nodejs": "NODEJS",
    "java": "JAVA",
    "ruby": "RUBY",
    "dotnet": "DOTNET_CORE",
    "provided": "OTHER",
}
"""aws_cdk.aws_lambda.RuntimeFamily, by language."""

_ARCHITECTURES = {"x86_64": "X86_64", "arm64": "ARM_64"}
"""aws_cdk.aws_lambda.Architecture."""


def cdk_python(subject: Subject) -> str:
    return _rendered("cdk.py.j2", subject)


def cdk_typescript(subject: Subject) -> str:
    return _rendered("cdk.ts.j2", subject)


def terraform(subject: Subject) -> str:
    return _rendered("terraform.tf.j2", subject)


def as_json(subject: Subject) -> str:
    """Return what the others are made of, for programs."""
    function = subject.function
    document = {
        "version": 1,
        "title": subject.title,
        "published": subject.published,
        "layers": [
            {
                "name": one.name,
                "runtimes": list(one.runtimes),
                "architectures": list(one.architectures),
                "description": one.description,
                "license": one.license,
                "zip": one.zip or None,
                "code_sha256": one.code_sha256,
                "share": [str(grant) for grant in one.grants],
                "arns": dict(one.arns),
            }
            for one in subject.layers
        ],
        "function": {"runtime": function.runtime, "architecture": function.arch, "code": function.code}
        if function
        else None,
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def markdown(subject: Subject) -> str:
    """Return tables: ARNs by region where it is published, else the zips."""
    lines = [f"# {subject.title}", ""]
    for one in subject.layers:
        where = f"{', '.join(one.runtimes)} on {', '.join(one.architectures) or 'any architecture'}"
        lines += [f"## {one.name}", "", where, ""]
        if subject.published:
            lines += ["| region | ARN |", "| --- | --- |"]
            lines += [f"| {region} | `{arn}` |" for region, arn in sorted(one.arns.items())]
        else:
            lines += ["| zip | bytes | CodeSha256 |", "| --- | ---: | --- |"]
            lines += [f"| `{one.zip}` | {one.bytes:,} | `{one.code_sha256}` |"]
        lines.append("")
    return "\n".join(lines)


FORMATS: dict[str, Callable[[Subject], str]] = {
    "sam": stacks.sam,
    "cloudformation": stacks.cloudformation,
    "cdk-python": cdk_python,
    "cdk-typescript": cdk_typescript,
    "terraform": terraform,
    "json": as_json,
    "markdown": markdown,
}


def _rendered(name: str, subject: Subject) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    jinja = Environment(
        loader=FileSystemLoader(facts.folder() / "publish"),
        autoescape=False,  # noqa: S701  the result is code, and every value in it is quoted as its language has it
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    jinja.filters |= {
        "quoted": _quoted,
        "python": _python,
        "hcl": _hcl,
        "family": _family,
        "inline": _inline,
        "architecture": _ARCHITECTURES.__getitem__,
    }
    return jinja.get_template(name).render(subject=subject, action=ACTION)


def _quoted(value: str | bool) -> str:  # noqa: FBT001  a value
    """Return a string of JavaScript or JSON."""
    return json.dumps(value, ensure_ascii=False)


def _python(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _hcl(value: str) -> str:
    """Return a string of HCL, in which `${` and `%{` begin expressions."""
    return json.dumps(value, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")


def _family(name: str) -> str:
    found = runtimes().get(name)
    return _FAMILIES.get(found.language if found else "", "OTHER")


def _inline(name: str) -> bool:
    """Tell whether a runtime takes inline source: CDK compares that of a layer with its function's."""
    found = runtimes().get(name)
    return bool(found and found.language in INLINE)
