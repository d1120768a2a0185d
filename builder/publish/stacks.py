"""Templates for CloudFormation and SAM: made as data, so that they cannot be malformed."""

from collections.abc import Mapping
from typing import Any

import yaml

from builder.publish.grants import ACTION
from builder.publish.subject import Function, Layer, Subject

_ROLE = "arn:${AWS::Partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
_BUCKET, _CODE_BUCKET, _CODE_KEY = "LayerBucket", "FunctionBucket", "FunctionKey"


class _Dumper(yaml.SafeDumper):
    """Source code as a block that can be read."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def cloudformation(subject: Subject) -> str:
    """Return a template for CloudFormation."""
    zips = not subject.published
    parameters = {_BUCKET: _parameter("Bucket in the stack's region that holds the zips")} if zips else {}
    resources: dict[str, Any] = {}
    for layer in subject.layers if zips else ():
        resources[_layer_id(layer)] = {
            "Type": "AWS::Lambda::LayerVersion",
            "Properties": {
                **_described(layer),
                "Content": {"S3Bucket": {"Ref": _BUCKET}, "S3Key": layer.key},
            },
        }
        resources |= _permissions(layer)
    if subject.function:
        parameters |= _code_parameters(subject.function)
        resources |= _function(subject, subject.function)
    hints = [f"aws s3 cp {layer.zip} s3://BUCKET/{layer.key}" for layer in subject.layers] if zips else []
    override = f" --parameter-overrides {_BUCKET}=BUCKET" if zips else ""
    deploy = f"aws cloudformation deploy --stack-name STACK --template-file FILE{override}"
    hints.append(f"{deploy}{' --capabilities CAPABILITY_IAM' if subject.function else ''}")
    return _written(hints, _whole(subject, parameters, resources))


def sam(subject: Subject) -> str:
    """Return a template for SAM."""
    zips = not subject.published
    resources: dict[str, Any] = {}
    for layer in subject.layers if zips else ():
        described = _described(layer)
        resources[_layer_id(layer)] = {
            "Type": "AWS::Serverless::LayerVersion",
            "Properties": {**described, "ContentUri": layer.zip, "RetentionPolicy": "Retain"},
        }
        resources |= _permissions(layer)
    if subject.function:
        resources |= _sam_function(subject, subject.function)
    whole = {"Transform": "AWS::Serverless-2016-10-31", **_whole(subject, {}, resources)}
    return _written(["sam deploy --guided --template FILE"], whole)


def _whole(subject: Subject, parameters: Mapping[str, Any], resources: Mapping[str, Any]) -> dict[str, Any]:
    mappings = {"Layers": _mapping(subject)} if subject.published else {}
    outputs = {
        f"{layer.id}Arn": {
            "Description": f"The version of {layer.name} that this stack uses",
            "Value": _reference(subject, layer),
        }
        for layer in subject.layers
    }
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"{subject.title}: layers by layerwright",
        **({"Parameters": dict(parameters)} if parameters else {}),
        **({"Mappings": mappings} if mappings else {}),
        "Resources": dict(resources) or _nothing(),
        "Outputs": outputs,
    }


def _nothing() -> dict[str, Any]:
    """A stack must have a resource: one that does nothing holds the outputs of published layers."""
    return {"Nothing": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}


def _mapping(subject: Subject) -> dict[str, dict[str, str]]:
    return {
        region: {layer.id: layer.arns[region] for layer in subject.layers if region in layer.arns}
        for region in subject.regions
    }


def _layer_id(layer: Layer) -> str:
    return f"{layer.id}Layer"


def _reference(subject: Subject, layer: Layer) -> dict[str, Any]:
    if subject.published:
        return {"Fn::FindInMap": ["Layers", {"Ref": "AWS::Region"}, layer.id]}
    return {"Ref": _layer_id(layer)}


def _described(layer: Layer) -> dict[str, Any]:
    return {
        "LayerName": layer.name,
        **({"Description": layer.description} if layer.description else {}),
        **({"LicenseInfo": layer.license} if layer.license else {}),
        "CompatibleRuntimes": list(layer.runtimes),
        **({"CompatibleArchitectures": list(layer.architectures)} if layer.architectures else {}),
    }


def _permissions(layer: Layer) -> dict[str, Any]:
    return {
        f"{layer.id}For{''.join(part.capitalize() for part in grant.text.replace('-', ':').split(':'))}": {
            "Type": "AWS::Lambda::LayerVersionPermission",
            "Properties": {"Action": ACTION, "LayerVersionArn": {"Ref": _layer_id(layer)}, **grant.request},
        }
        for grant in layer.grants
    }


def _parameter(text: str) -> dict[str, str]:
    return {"Type": "String", "Description": text}


def _code_parameters(function: Function) -> dict[str, Any]:
    if function.code:
        return {}
    return {
        _CODE_BUCKET: _parameter("Bucket in the stack's region that holds the function's code"),
        _CODE_KEY: _parameter("Key of the function's code in it"),
    }


def _function(subject: Subject, function: Function) -> dict[str, Any]:
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
                **_runs(subject, function),
                "Role": {"Fn::GetAtt": ["FunctionRole", "Arn"]},
                "Code": code,
            },
        },
    }


def _sam_function(subject: Subject, function: Function) -> dict[str, Any]:
    code = {"InlineCode": function.code} if function.code else {"CodeUri": "function/"}
    return {"Function": {"Type": "AWS::Serverless::Function", "Properties": {**_runs(subject, function), **code}}}


def _runs(subject: Subject, function: Function) -> dict[str, Any]:
    return {
        "Runtime": function.runtime,
        "Architectures": [function.arch],
        "Handler": function.handler,
        "MemorySize": 1024,
        "Timeout": 30,
        "Layers": [_reference(subject, function.layer)],
    }


def _written(hints: list[str], template: Mapping[str, Any]) -> str:
    comments = "".join(f"# {hint}\n" for hint in hints)
    return comments + yaml.dump(template, Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True)
