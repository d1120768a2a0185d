"""Templates for CloudFormation and SAM, serialized from data, so that they are always well-formed."""

from collections.abc import Mapping
from typing import Any

import yaml

from builder.publish.grants import ACTION
from builder.publish.template_source import SampleFunction, TemplateLayer, TemplateSource

_ROLE = "arn:${AWS::Partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
_BUCKET, _CODE_BUCKET, _CODE_KEY = "LayerBucket", "FunctionBucket", "FunctionKey"


class _Dumper(yaml.SafeDumper):
    """Writes strings of several lines, such as source code, as literal blocks."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def cloudformation(source: TemplateSource) -> str:
    """Return a CloudFormation template."""
    zips = not source.published
    parameters = {_BUCKET: _parameter("Bucket with the zips, in the region of the stack")} if zips else {}
    resources: dict[str, Any] = {}
    for layer in source.layers if zips else ():
        resources[_layer_id(layer)] = {
            "Type": "AWS::Lambda::LayerVersion",
            "Properties": {
                **_described(layer),
                "Content": {"S3Bucket": {"Ref": _BUCKET}, "S3Key": layer.key},
            },
        }
        resources |= _permissions(layer)
    if source.function:
        parameters |= _code_parameters(source.function)
        resources |= _function(source, source.function)
    hints = [f"aws s3 cp {layer.zip} s3://BUCKET/{layer.key}" for layer in source.layers] if zips else []
    override = f" --parameter-overrides {_BUCKET}=BUCKET" if zips else ""
    deploy = f"aws cloudformation deploy --stack-name STACK --template-file FILE{override}"
    hints.append(f"{deploy}{' --capabilities CAPABILITY_IAM' if source.function else ''}")
    return _written(hints, _whole(source, parameters, resources))


def sam(source: TemplateSource) -> str:
    """Return a SAM template."""
    zips = not source.published
    resources: dict[str, Any] = {}
    for layer in source.layers if zips else ():
        described = _described(layer)
        resources[_layer_id(layer)] = {
            "Type": "AWS::Serverless::LayerVersion",
            "Properties": {**described, "ContentUri": layer.zip, "RetentionPolicy": "Retain"},
        }
        resources |= _permissions(layer)
    if source.function:
        resources |= _sam_function(source, source.function)
    whole = {"Transform": "AWS::Serverless-2016-10-31", **_whole(source, {}, resources)}
    return _written(["sam deploy --guided --template FILE"], whole)


def _whole(source: TemplateSource, parameters: Mapping[str, Any], resources: Mapping[str, Any]) -> dict[str, Any]:
    mappings = {"Layers": _mapping(source)} if source.published else {}
    outputs = {
        f"{layer.id}Arn": {
            "Description": f"The version of {layer.name} that this stack uses",
            "Value": _reference(source, layer),
        }
        for layer in source.layers
    }
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"{source.title}: layers by layerwright",
        **({"Parameters": dict(parameters)} if parameters else {}),
        **({"Mappings": mappings} if mappings else {}),
        "Resources": dict(resources) or _nothing(),
        "Outputs": outputs,
    }


def _nothing() -> dict[str, Any]:
    """Return a resource without effect: a stack must have one, and published layers only need outputs."""
    return {"Nothing": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}


def _mapping(source: TemplateSource) -> dict[str, dict[str, str]]:
    return {
        region: {layer.id: layer.arns[region] for layer in source.layers if region in layer.arns}
        for region in source.regions
    }


def _layer_id(layer: TemplateLayer) -> str:
    return f"{layer.id}Layer"


def _reference(source: TemplateSource, layer: TemplateLayer) -> dict[str, Any]:
    if source.published:
        return {"Fn::FindInMap": ["Layers", {"Ref": "AWS::Region"}, layer.id]}
    return {"Ref": _layer_id(layer)}


def _described(layer: TemplateLayer) -> dict[str, Any]:
    return {
        "LayerName": layer.name,
        **({"Description": layer.description} if layer.description else {}),
        **({"LicenseInfo": layer.license} if layer.license else {}),
        "CompatibleRuntimes": list(layer.runtimes),
        **({"CompatibleArchitectures": list(layer.architectures)} if layer.architectures else {}),
    }


def _permissions(layer: TemplateLayer) -> dict[str, Any]:
    return {
        f"{layer.id}For{''.join(part.capitalize() for part in grant.text.replace('-', ':').split(':'))}": {
            "Type": "AWS::Lambda::LayerVersionPermission",
            "Properties": {"Action": ACTION, "LayerVersionArn": {"Ref": _layer_id(layer)}, **grant.request},
        }
        for grant in layer.grants
    }


def _parameter(text: str) -> dict[str, str]:
    return {"Type": "String", "Description": text}


def _code_parameters(function: SampleFunction) -> dict[str, Any]:
    if function.code:
        return {}
    return {
        _CODE_BUCKET: _parameter("Bucket with the code of the function, in the region of the stack"),
        _CODE_KEY: _parameter("Key of the code of the function in the bucket"),
    }


def _function(source: TemplateSource, function: SampleFunction) -> dict[str, Any]:
    code = (
        {"ZipFile": function.code}
        if function.code
        else {"S3Bucket": {"Ref": _CODE_BUCKET}, "S3Key": {"Ref": _CODE_KEY}}
    )
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
    return {
        "FunctionRole": {
            "Type": "AWS::IAM::Role",
            "Properties": {"AssumeRolePolicyDocument": trust, "ManagedPolicyArns": [{"Fn::Sub": _ROLE}]},
        },
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                **_runs(source, function),
                "Role": {"Fn::GetAtt": ["FunctionRole", "Arn"]},
                "Code": code,
            },
        },
    }


def _sam_function(source: TemplateSource, function: SampleFunction) -> dict[str, Any]:
    code = {"InlineCode": function.code} if function.code else {"CodeUri": "function/"}
    return {"Function": {"Type": "AWS::Serverless::Function", "Properties": {**_runs(source, function), **code}}}


def _runs(source: TemplateSource, function: SampleFunction) -> dict[str, Any]:
    return {
        "Runtime": function.runtime,
        "Architectures": [function.arch],
        "Handler": function.handler,
        "MemorySize": 1024,
        "Timeout": 30,
        "Layers": [_reference(source, function.layer)],
        **({"Environment": {"Variables": dict(function.layer.environment)}} if function.layer.environment else {}),
    }


def _written(hints: list[str], template: Mapping[str, Any]) -> str:
    comments = "".join(f"# {hint}\n" for hint in hints)
    return comments + yaml.dump(template, Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True)
