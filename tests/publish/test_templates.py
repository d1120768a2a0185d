"""Templates, verified by cfn-lint, moto's CloudFormation, CDK, TypeScript and an HCL parser."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
import hcl2
import pytest
import yaml
from kit import aws, published
from kit.commands import Result, layerwright, pip_recipe, write_recipe
from kit.front import Front
from kit.published import ACCOUNT, ORGANIZATION, OTHER

from builder.publish import policy
from builder.publish.policy import Scope
from builder.publish.template import FORMATS

CDK, CONSTRUCTS, TYPESCRIPT, TYPES = "2.275.0", "10.8.1", "5.9.3", "24.10.1"
TESTS = """
[[test]]
python = "import sample; assert sample"
"""
JAVA = """
[layer]
name        = "jars"
version     = "1.0"
description = "it's \\"quoted\\" ${for} everybody"
license     = "MIT"

[targets]
runtimes = ["java21"]

[[step]]
uses = "script"
run  = "true"
"""


def npm_recipe(name: str) -> str:
    return f"""
[layer]
name        = "{name}"
version     = "1.0"
description = "a module"
license     = "MIT"

[targets]
runtimes = ["nodejs22.x"]

[[step]]
uses     = "npm"
packages = ["{name}@1.0"]

[[test]]
node = "import '{name}';"

[[test]]
node = "require('{name}');"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with recipes in three languages and zips as if they were built."""
    write_recipe(tmp_path, "sample", pip_recipe("sample", "sample==1.0", architectures=("x86_64", "arm64"), more=TESTS))
    write_recipe(tmp_path, "module", npm_recipe("module"))
    write_recipe(tmp_path, "jars", JAVA)
    for arch in ("x86_64", "arm64"):
        published.layer(tmp_path / "dist", arch=arch)
        published.layer(tmp_path / "dist", "module", runtime="nodejs22.x", arch=arch)
        description = 'it\'s "quoted" ${for} everybody'
        published.layer(tmp_path / "dist", "jars", runtime="java21", arch=arch, description=description)
    return tmp_path


def template(folder: Path, form: str, *arguments: str) -> str:
    made = layerwright("template", *arguments, "--format", form, cwd=folder)
    assert made.code == 0, made.err
    return made.out


def publish(folder: Path, *names: str) -> Result:
    where = ("--regions", "us-east-1,eu-west-1", "--yes", "--account", ACCOUNT, "--share", OTHER)
    result = layerwright("publish", *names, *where, cwd=folder)
    assert result.code == 0, result.err
    return result


def complaints(text: str) -> list[str]:
    from cfnlint.api import ManualArgs, lint  # a second, in each worker

    found = lint(text, config=ManualArgs(regions=["us-east-1", "eu-west-1"]))
    return [f"{one.rule.id} {one.message}" for one in found]


NAMES = ("sample", "module", "jars")
VARIANTS = [
    pytest.param(("sample", "--from", "zip", "--share", ORGANIZATION, "--share", OTHER), id="python"),
    pytest.param(("module", "--from", "zip", "--share", "public"), id="node"),
    pytest.param(("jars", "--from", "zip"), id="java"),
    pytest.param(("sample", "module", "jars", "--from", "zip", "--no-function"), id="all"),
]


@pytest.mark.parametrize("arguments", VARIANTS)
@pytest.mark.parametrize("form", ["sam", "cloudformation"])
def test_stacks_of_zips_are_valid(folder: Path, form: str, arguments: tuple[str, ...]) -> None:
    assert complaints(template(folder, form, *arguments)) == []


@pytest.mark.parametrize("form", ["sam", "cloudformation"])
@pytest.mark.parametrize("more", [(), ("--no-function",)])
def test_stacks_of_published_layers_are_valid(cloud: Front, folder: Path, form: str, more: tuple[str, ...]) -> None:
    publish(folder, *NAMES)
    for name in NAMES:
        text = template(folder, form, name, *more)
        assert complaints(text) == []
        arn = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:layer:{name}-"
        assert text.count(arn) == 2, "one for each architecture"
    assert cloud.seen


def test_the_linter_reports_errors(folder: Path) -> None:
    text = template(folder, "cloudformation", "sample", "--from", "zip")
    assert complaints(text.replace("CompatibleRuntimes", "CompatibleRuntime"))
    assert complaints(text.replace("arm64", "arm65"))


def test_the_sample_function_executes_a_test_of_the_recipe(folder: Path) -> None:
    sample = yaml.safe_load(template(folder, "sam", "sample", "--from", "zip"))["Resources"]["Function"]["Properties"]
    assert "import sample; assert sample" in sample["InlineCode"]
    compile(sample["InlineCode"], "index.py", "exec")
    module = yaml.safe_load(template(folder, "sam", "module", "--from", "zip"))["Resources"]["Function"]["Properties"]
    assert "require('module');" in module["InlineCode"], "inline source cannot contain import statements"
    jars = yaml.safe_load(template(folder, "sam", "jars", "--from", "zip"))["Resources"]["Function"]["Properties"]
    assert jars["CodeUri"] == "function/"


def test_paths_are_relative_to_the_template(folder: Path) -> None:
    assert layerwright("template", "sample", "--to", "deploy/stack.yaml", cwd=folder).code == 0
    found = yaml.safe_load((folder / "deploy" / "stack.yaml").read_text(encoding="utf-8"))
    layer = found["Resources"]["SamplePython313Arm64Layer"]["Properties"]
    assert (folder / "deploy" / layer["ContentUri"]).resolve().is_file()


# ---- deployed ------------------------------------------------------------------------------------------------------


def deploy(cloud: Front, text: str, **parameters: str) -> dict[str, str]:
    """Create a stack and return its outputs."""
    client = boto3.client("cloudformation", region_name="us-east-1", endpoint_url=cloud.address)
    given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
    client.create_stack(StackName="layers", TemplateBody=text, Parameters=given, Capabilities=["CAPABILITY_IAM"])
    (stack,) = client.describe_stacks(StackName="layers")["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    return {row["OutputKey"]: row["OutputValue"] for row in stack["Outputs"]}


def functions_of(cloud: Front) -> list[tuple[str, str]]:
    """Return runtime and handler. moto ignores the layers of a function in a stack."""
    found = published.functions(cloud, "us-east-1").list_functions()["Functions"]
    return [(one["Runtime"], one["Handler"]) for one in found]


def test_a_stack_of_zips_deploys(cloud: Front, folder: Path) -> None:
    text = template(folder, "cloudformation", "sample", "--from", "zip", "--arch", "arm64")
    s3 = aws.client(cloud.address)
    s3.create_bucket(Bucket="acme")
    layer = yaml.safe_load(text)["Resources"]["SamplePython313Arm64Layer"]["Properties"]
    path = folder / "dist" / "sample-1.0-python3.13-arm64.zip"
    assert f"s3://BUCKET/{layer['Content']['S3Key']}" in text.splitlines()[0]
    s3.upload_file(str(path), "acme", layer["Content"]["S3Key"])
    deploy(cloud, text, LayerBucket="acme")
    assert functions_of(cloud) == [("python3.13", "index.handler")]
    (made,) = published.functions(cloud, "us-east-1").list_layers()["Layers"]
    assert made["LatestMatchingVersion"]["CompatibleRuntimes"] == ["python3.13"]
    assert list(published.versions(cloud, "us-east-1", made["LayerName"]).values()) == [published.code_sha256(path)]


def test_a_stack_of_published_layers_deploys(cloud: Front, folder: Path) -> None:
    publish(folder, "sample")
    outputs = deploy(cloud, template(folder, "cloudformation", "sample"))
    expected = f"arn:aws:lambda:us-east-1:{ACCOUNT}:layer:sample-python313-arm64:1"
    assert outputs["SamplePython313Arm64Arn"] == expected
    assert functions_of(cloud) == [("python3.13", "index.handler")]


# ---- CDK -----------------------------------------------------------------------------------------------------------


def node(program: str) -> str:
    """Return the path of Node.js or npm in the environment of the tests."""
    return str(Path(sys.executable).with_name(program))


def run(command: Sequence[str | Path], cwd: Path, **env: str) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    result = subprocess.run(
        [os.fspath(part) for part in command],
        cwd=cwd,
        env={**os.environ, "PATH": path, **env},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def synthesized(outdir: Path) -> dict[str, Any]:
    text = (outdir / "Layers.template.json").read_text(encoding="utf-8")
    assert [line for line in complaints(text) if line.startswith("E")] == []
    found: dict[str, Any] = json.loads(text)
    return found


def of_type(stack: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    return [one["Properties"] for one in stack["Resources"].values() if one["Type"] == f"AWS::Lambda::{kind}"]


def is_right(stack: Mapping[str, Any], *, shared: bool) -> None:
    layers = of_type(stack, "LayerVersion")
    assert sorted(one["LayerName"] for one in layers) == ["sample-python313-arm64", "sample-python313-x86_64"]
    for one in layers:
        assert one["CompatibleRuntimes"] == ["python3.13"]
        assert one["CompatibleArchitectures"] == [one["LayerName"].rpartition("-")[2]]
        assert (one["Description"], one["LicenseInfo"]) == ("for tests", "MIT")
    grants = [(one["Principal"], one.get("OrganizationId")) for one in of_type(stack, "LayerVersionPermission")]
    expected = [("*", "o-a1b2c3d4e5"), ("210987654321", None)] * 2 if shared else []
    assert sorted(grants, key=str) == sorted(expected, key=str)
    (function,) = of_type(stack, "Function")
    assert "import sample" in function["Code"]["ZipFile"]
    assert (function["Runtime"], function["Handler"]) == ("python3.13", "index.handler")
    assert len(function["Layers"]) == 1


ZIPS = ("sample", "--from", "zip", "--share", ORGANIZATION, "--share", OTHER)


def refers_to_arns(stack: Mapping[str, Any]) -> None:
    (function,) = of_type(stack, "Function")
    (reference,) = function["Layers"]
    name, region, key = reference["Fn::FindInMap"]
    assert region == {"Ref": "AWS::Region"}
    arn = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:layer:sample-python313-arm64:1"
    assert stack["Mappings"][name]["eu-west-1"][key] == arn


@pytest.mark.long
@pytest.mark.network
@pytest.mark.engine
def test_typescript_compiles_and_synthesizes(cloud: Front, folder: Path) -> None:
    work = folder / "cdk"
    work.mkdir()
    packages = (f"aws-cdk-lib@{CDK}", f"constructs@{CONSTRUCTS}", f"typescript@{TYPESCRIPT}", f"@types/node@{TYPES}")
    run([node("npm"), "install", "--no-audit", "--no-fund", "--silent", *packages], work)
    publish(folder, "sample")
    (work / "zips.ts").write_text("", encoding="utf-8")
    for name, arguments in (("zips", ZIPS), ("arns", ("sample",)), ("jars", ("jars", "--from", "zip"))):
        made = layerwright(
            "template", *arguments, "--format", "cdk-typescript", "--to", work / f"{name}.ts", cwd=folder
        )
        assert made.code == 0, made.err
    (work / "function").mkdir()
    (work / "function" / "code").write_text("", encoding="utf-8")
    options = ("--strict", "--skipLibCheck", "--module", "commonjs", "--target", "es2022", "--types", "node")
    run([node("node"), "node_modules/typescript/bin/tsc", *options, "zips.ts", "arns.ts", "jars.ts"], work)
    for name in ("zips", "arns", "jars"):
        run([node("node"), f"{name}.js"], work, CDK_OUTDIR=str(work / f"{name}.out"))
    is_right(synthesized(work / "zips.out"), shared=True)
    refers_to_arns(synthesized(work / "arns.out"))
    jars = synthesized(work / "jars.out")
    assert {one["Description"] for one in of_type(jars, "LayerVersion")} == {'it\'s "quoted" ${for} everybody'}
    assert cloud.seen
    shutil.rmtree(work)


@pytest.mark.long
@pytest.mark.network
@pytest.mark.engine
def test_python_synthesizes(cloud: Front, folder: Path) -> None:
    work = folder / "cdk"
    work.mkdir()
    uv = Path(sys.executable).with_name("uv")
    run([uv, "venv", "--quiet", "--python", sys.executable, work / "venv"], work)
    python = work / "venv" / "bin" / "python"
    install: list[str | Path] = [uv, "pip", "install", "--quiet", "--python", python]
    run([*install, f"aws-cdk-lib=={CDK}", f"constructs=={CONSTRUCTS}"], work)
    publish(folder, "sample")
    for name, arguments in (("zips", ZIPS), ("arns", ("sample",))):
        made = layerwright("template", *arguments, "--format", "cdk-python", "--to", work / f"{name}.py", cwd=folder)
        assert made.code == 0, made.err
        run([python, f"{name}.py"], work, CDK_OUTDIR=str(work / f"{name}.out"))
    is_right(synthesized(work / "zips.out"), shared=True)
    refers_to_arns(synthesized(work / "arns.out"))
    assert cloud.seen
    shutil.rmtree(work)


# ---- Terraform and the rest ----------------------------------------------------------------------------------------


def formatted(text: str, folder: Path) -> None:
    """Check the format with `terraform fmt` if Terraform is installed.

    `terraform validate` would need the providers, which come from another registry.
    """
    if terraform := shutil.which("terraform"):
        (folder / "main.tf").write_text(text, encoding="utf-8")
        run([terraform, "fmt", "-check", "-diff", "main.tf"], folder)


@pytest.mark.parametrize("arguments", VARIANTS)
def test_terraform_parses_and_contains_all_layers(folder: Path, arguments: tuple[str, ...]) -> None:
    text = template(folder, "terraform", *arguments)
    found = hcl2.loads(text)
    resources = [(kind.strip('"'), body) for block in found["resource"] for kind, body in block.items()]
    layers = [next(iter(body.values())) for kind, body in resources if kind == "aws_lambda_layer_version"]
    named = [name for name in arguments if name in NAMES]
    assert len(layers) == 2 * len(named)
    for one in layers:
        path = folder / one["filename"].strip('"')
        assert path.is_file()
        assert one["source_code_hash"].strip('"') == published.code_sha256(path)
    functions = [body for kind, body in resources if kind == "aws_lambda_function"]
    assert len(functions) == ("--no-function" not in arguments)
    formatted(text, folder)


def test_terraform_of_published_layers(cloud: Front, folder: Path) -> None:
    publish(folder, "sample")
    text = template(folder, "terraform", "sample")
    formatted(text, folder)
    found = hcl2.loads(text)
    (block,) = found["locals"]
    arns = {key.strip('"'): value for key, value in block["layers"].items()}
    assert sorted(arns) == ["eu-west-1", "us-east-1"]
    assert cloud.seen


def test_published_layers_keep_the_variables_of_the_manifest_of_the_same_zip(cloud: Front, folder: Path) -> None:
    publish(folder, "sample")
    paths = [path.with_suffix(".json") for path in (folder / "dist").glob("sample-*.zip")]
    before = {path: json.loads(path.read_text()) for path in paths}
    for path, about in before.items():
        path.write_text(json.dumps({**about, "environment": VARIABLES}))
    assert "FONTCONFIG_PATH" in template(folder, "terraform", "sample")
    for path, about in before.items():
        other = {**about["zip"], "code_sha256": published.code_sha256(Path(__file__))}
        path.write_text(json.dumps({**about, "environment": VARIABLES, "zip": other}))
    assert "FONTCONFIG_PATH" not in template(folder, "terraform", "sample")
    assert cloud.seen


def test_large_zips_get_a_bucket_in_terraform(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from builder.publish import template, template_source
    from builder.publish.layer_version import InputZip, PublishOptions, gather

    layers = gather([InputZip(zip=folder / "dist" / "sample-1.0-python3.13-arm64.zip")], PublishOptions())
    monkeypatch.setattr(template_source, "DIRECT_LIMIT", 10)
    text = template.terraform(
        template_source.of_zips(
            "sample", layers, template_source.TemplateOptions(base=folder, output=folder, function=False)
        )
    )
    assert "var.layer_bucket" in text
    assert "filename" not in text
    hcl2.loads(text)


def test_markdown_and_json(cloud: Front, folder: Path) -> None:
    zips = json.loads(template(folder, "json", "sample", "--from", "zip", "--share", OTHER))
    assert [one["share"] for one in zips["layers"]] == [[OTHER], [OTHER]]
    assert not zips["published"]
    publish(folder, "sample")
    result = json.loads(template(folder, "json", "sample"))
    assert [sorted(one["arns"]) for one in result["layers"]] == [["eu-west-1", "us-east-1"]] * 2
    text = template(folder, "markdown", "sample", "--arch", "arm64")
    assert f"| eu-west-1 | `arn:aws:lambda:eu-west-1:{ACCOUNT}:layer:sample-python313-arm64:1` |" in text
    assert "x86_64" not in text
    assert cloud.seen


def test_a_missing_layer_is_an_error(folder: Path) -> None:
    assert layerwright("template", "nope", cwd=folder).code == 2
    assert layerwright("template", "sample", "--from", "published", cwd=folder).code == 3
    shutil.rmtree(folder / "dist")
    result = layerwright("template", "sample", cwd=folder)
    assert result.code == 2
    assert "layerwright build sample" in result.err


# ---- the policy ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "scope",
    [
        Scope(),
        Scope(account=ACCOUNT, names=("sample-python313-arm64",), bucket="acme-*", parameters=("/layers/*",)),
        Scope(partition="aws-cn", account=ACCOUNT, bucket="acme", reference=True),
    ],
)
def test_the_policy_is_valid(scope: Scope) -> None:
    made = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": policy.document(scope)}}
    assert complaints(json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Policy": made}})) == []


def test_the_policy_contains_every_action_in_use() -> None:
    """Compare the policy with the API calls in the code."""
    scope = Scope(bucket="acme", reference=True, parameters=("/a",))
    allowed = {
        action.partition(":")[2]
        for statement in policy.document(scope)["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }
    code = "\n".join(path.read_text(encoding="utf-8") for path in Path(policy.__file__).parent.glob("*.py"))
    called = {
        "".join(part.capitalize() for part in name.split("_"))
        for name in dir(boto3.client("lambda", region_name="us-east-1"))
        if not name.startswith("_") and (f".{name}(" in code or f'get_paginator("{name}")' in code)
    } - {"CanPaginate", "GetPaginator", "GetWaiter", "Close", "GeneratePresignedUrl", "Exceptions", "Meta"}
    assert called
    assert called <= allowed


def test_the_policy_is_printed_without_credentials(folder: Path) -> None:
    result = layerwright("publish", "sample", "--print-policy", "--bucket", "acme-{region}", cwd=folder)
    assert result.code == 0
    assert "arn:aws:lambda:*:*:layer:sample-python313-arm64" in result.out
    assert "arn:aws:s3:::acme-*/layerwright/*" in result.out
    named = layerwright("publish", "sample", "--print-policy", "--name", "acme-{name}-{arch}", cwd=folder)
    assert "arn:aws:lambda:*:*:layer:acme-sample-arm64" in named.out
    assert "sample-python313" not in named.out


VARIABLES = [{"name": "FONTCONFIG_PATH", "value": "/opt/etc/fonts", "why": "libfontconfig.so: its settings"}]


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_the_sample_function_sets_what_plug_ins_need(tmp_path: Path, form: str) -> None:
    path = published.layer(tmp_path / "dist", environment=VARIABLES)
    text = template(tmp_path, form, str(path), "--from", "zip")
    assert "FONTCONFIG_PATH" in text
    assert "/opt/etc/fonts" in text
    if form in {"sam", "cloudformation"}:
        assert complaints(text) == []
        function = yaml.load(text, Loader=yaml.BaseLoader)["Resources"]["Function"]  # noqa: S506
        assert function["Properties"]["Environment"] == {"Variables": {"FONTCONFIG_PATH": "/opt/etc/fonts"}}
    if form == "terraform":
        (function,) = [block for block in hcl2.loads(text)["resource"] if "aws_lambda_function" in str(block)]
        assert "FONTCONFIG_PATH" in str(function)
        formatted(text, tmp_path)
    without = published.layer(tmp_path / "plain")
    assert "nvironment" not in template(tmp_path, form, str(without), "--from", "zip") or form == "json"


REFERENCE = "{{resolve:secretsmanager:prod/db}}"


@pytest.mark.parametrize(
    "form", ["sam", "cloudformation", "cdk-python", "cdk-typescript", "terraform", "json", "markdown"]
)
def test_nothing_of_a_manifest_becomes_a_dynamic_reference(tmp_path: Path, form: str) -> None:
    for more in ({"description": REFERENCE}, {"license": REFERENCE}):
        path = published.layer(tmp_path / "dist", **dict[str, Any](more))
        result = layerwright("template", path, "--format", form, "--from", "zip", cwd=tmp_path)
        assert (result.code, result.out) == (2, "")
        assert "is a dynamic reference" in result.err
    named = tmp_path / f"{REFERENCE.replace('/', '-')}.zip"
    shutil.copyfile(path, named)
    where = ("--runtime", "python3.13", "--arch", "arm64")
    result = layerwright("template", named, "--format", form, "--from", "zip", *where, cwd=tmp_path)
    assert (result.code, result.out) == (2, "")


def test_nothing_of_the_arn_book_becomes_a_dynamic_reference(cloud: Front, tmp_path: Path) -> None:
    path = published.layer(tmp_path / "dist")
    arguments = ("--regions", "us-east-1", "--yes", "--account", ACCOUNT)
    assert layerwright("publish", path, *arguments, cwd=tmp_path).code == 0
    assert cloud.seen
    book = tmp_path / "dist" / "publish" / "layers.json"
    book.write_text(book.read_text(encoding="utf-8").replace(f"{ACCOUNT}:layer:", REFERENCE), encoding="utf-8")
    result = layerwright("template", path, "--format", "cloudformation", "--from", "published", cwd=tmp_path)
    assert result.code == 2
    assert "{{resolve:" not in result.out
