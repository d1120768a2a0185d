"""Templates in all formats. Each is a complete file."""

import json
from collections.abc import Callable

from builder.model import facts
from builder.model.runtimes import runtimes
from builder.publish import stacks
from builder.publish.grants import ACTION
from builder.publish.template_source import INLINE, TemplateSource

_FAMILIES = {
    "python": "PYTHON",
    "nodejs": "NODEJS",
    "java": "JAVA",
    "ruby": "RUBY",
    "dotnet": "DOTNET_CORE",
    "provided": "OTHER",
}
"""Members of aws_cdk.aws_lambda.RuntimeFamily by language."""

_ARCHITECTURES = {"x86_64": "X86_64", "arm64": "ARM_64"}
"""Members of aws_cdk.aws_lambda.Architecture."""


def cdk_python(source: TemplateSource) -> str:
    return _rendered("cdk.py.j2", source)


def cdk_typescript(source: TemplateSource) -> str:
    return _rendered("cdk.ts.j2", source)


def terraform(source: TemplateSource) -> str:
    return _rendered("terraform.tf.j2", source)


def as_json(source: TemplateSource) -> str:
    """Return the values of the template as JSON."""
    function = source.function
    document = {
        "version": 1,
        "title": source.title,
        "published": source.published,
        "layers": [
            {
                "name": layer.name,
                "runtimes": list(layer.runtimes),
                "architectures": list(layer.architectures),
                "description": layer.description,
                "license": layer.license,
                "zip": layer.zip or None,
                "code_sha256": layer.code_sha256,
                "share": [str(grant) for grant in layer.grants],
                "arns": dict(layer.arns),
                "environment": dict(layer.environment),
            }
            for layer in source.layers
        ],
        "function": {"runtime": function.runtime, "architecture": function.arch, "code": function.code}
        if function
        else None,
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def markdown(source: TemplateSource) -> str:
    """Return tables of the ARNs by region, or of the zips if the layers are not published."""
    lines = [f"# {source.title}", ""]
    for layer in source.layers:
        where = f"{', '.join(layer.runtimes)} on {', '.join(layer.architectures) or 'any architecture'}"
        lines += [f"## {layer.name}", "", where, ""]
        if source.published:
            lines += ["| region | ARN |", "| --- | --- |"]
            lines += [f"| {region} | `{arn}` |" for region, arn in sorted(layer.arns.items())]
        else:
            lines += ["| zip | bytes | CodeSha256 |", "| --- | ---: | --- |"]
            lines += [f"| `{layer.zip}` | {layer.bytes:,} | `{layer.code_sha256}` |"]
        if layer.environment:
            lines += ["", "| variable of the function | value |", "| --- | --- |"]
            lines += [f"| `{name}` | `{value}` |" for name, value in layer.environment]
        lines.append("")
    return "\n".join(lines)


FORMATS: dict[str, Callable[[TemplateSource], str]] = {
    "sam": stacks.sam,
    "cloudformation": stacks.cloudformation,
    "cdk-python": cdk_python,
    "cdk-typescript": cdk_typescript,
    "terraform": terraform,
    "json": as_json,
    "markdown": markdown,
}


def _rendered(name: str, source: TemplateSource) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    jinja = Environment(
        loader=FileSystemLoader(facts.folder() / "publish"),
        autoescape=False,  # noqa: S701  the output is code; each value is quoted for its language
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
    return jinja.get_template(name).render(source=source, action=ACTION)


def _quoted(value: str | bool) -> str:  # noqa: FBT001  a value
    """Return a string literal of JavaScript or JSON."""
    return json.dumps(value, ensure_ascii=False)


def _python(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _hcl(value: str) -> str:
    """Return a string literal of HCL, in which `${` and `%{` start expressions."""
    return json.dumps(value, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")


def _family(name: str) -> str:
    runtime = runtimes().get(name)
    return _FAMILIES.get(runtime.language if runtime else "", "OTHER")


def _inline(name: str) -> bool:
    """Tell whether a runtime supports inline source. CDK requires the same value for a layer and its function."""
    runtime = runtimes().get(name)
    return bool(runtime and runtime.language in INLINE)
