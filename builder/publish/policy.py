"""Least-privilege IAM policy for publishing, pruning and writing parameters.

Actions and their resources: "Actions, resources, and condition keys for AWS Lambda" in the Service Authorization
Reference. The List actions do not support resources.
"""

import re
from collections.abc import Sequence
from typing import Any

from builder.base.frozen import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """Resources that the policy covers; the defaults allow all layers and omit S3 and SSM."""

    partition: str = "aws"
    account: str | None = None
    names: Sequence[str] = ()
    """Names of layers; empty means all."""
    bucket: str | None = None
    """Name of the bucket, with `*` for the region."""
    reference: bool = False
    parameters: Sequence[str] = ()


def document(scope: Scope) -> dict[str, Any]:
    """Return the policy document."""
    statements = [
        _allow(
            "LookAtLayersAndTheirUsers",
            ["lambda:ListFunctions", "lambda:ListLayerVersions", "lambda:ListLayers"],
            "*",
        ),
        _allow("PublishVersions", "lambda:PublishLayerVersion", _layers(scope, "")),
        _allow(
            "LookAtShareAndDeleteVersions",
            [
                "lambda:AddLayerVersionPermission",
                "lambda:DeleteLayerVersion",
                "lambda:GetLayerVersion",
                "lambda:GetLayerVersionPolicy",
                "lambda:RemoveLayerVersionPermission",
            ],
            _layers(scope, ":*"),
        ),
    ]
    if scope.bucket:
        statements += _uploads(scope, scope.bucket)
    if scope.parameters:
        prefix = f"arn:{scope.partition}:ssm:*:{scope.account or '*'}:parameter"
        resources = [f"{prefix}{name}" for name in scope.parameters]
        statements.append(_allow("WriteParameters", ["ssm:GetParameter", "ssm:PutParameter"], resources))
    return {"Version": "2012-10-17", "Statement": statements}


def scope(
    names: Sequence[str], *, account: str | None, bucket: str | None, reference: bool, parameter: str | None
) -> Scope:
    """Return the resources of a publish: layers, and the patterns of a bucket and of a parameter."""
    return Scope(
        account=account,
        names=names,
        bucket=bucket.replace("{region}", "*").replace("{account}", account or "*") if bucket else None,
        reference=reference,
        parameters=[re.sub(r"\{[a-z]+\}", "*", parameter)] if parameter else (),
    )


def _allow(sid: str, actions: str | list[str], resources: str | list[str]) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}


def _layers(scope: Scope, suffix: str) -> list[str]:
    prefix = f"arn:{scope.partition}:lambda:*:{scope.account or '*'}:layer"
    return [f"{prefix}:{name}{suffix}" for name in (scope.names or ("*",))]


def _uploads(scope: Scope, bucket: str) -> list[dict[str, Any]]:
    arn = f"arn:{scope.partition}:s3:::{bucket}"
    buckets = ["s3:ListBucket", *(["s3:GetBucketVersioning"] if scope.reference else [])]
    objects = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"]
    objects += ["s3:GetObjectVersion"] if scope.reference else ["s3:DeleteObject"]
    return [
        _allow("LookAtTheBucket", buckets, arn),
        _allow("PutZipsIntoTheBucket", objects, f"{arn}/layerwright/*"),
    ]
