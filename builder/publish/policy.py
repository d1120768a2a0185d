"""The least that an identity must be allowed to publish, prune and write parameters.

Actions and their resources: "Actions, resources, and condition keys for AWS Lambda" in the Service Authorization
Reference; the List actions know no resource.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """What the policy is for; None and empty leave a statement out, or open."""

    partition: str = "aws"
    account: str | None = None
    names: Sequence[str] = ()
    """Of layers; none stands for all."""
    bucket: str | None = None
    """With `*` where the region is."""
    reference: bool = False
    parameters: Sequence[str] = ()


def document(scope: Scope) -> dict[str, Any]:
    """Return the policy as IAM takes it."""
    statements = [
        {
            "Sid": "LookAtLayersAndTheirUsers",
            "Effect": "Allow",
            "Action": ["lambda:ListFunctions", "lambda:ListLayerVersions", "lambda:ListLayers"],
            "Resource": "*",
        },
        {
            "Sid": "PublishVersions",
            "Effect": "Allow",
            "Action": "lambda:PublishLayerVersion",
            "Resource": _layers(scope, ""),
        },
        {
            "Sid": "LookAtShareAndDeleteVersions",
            "Effect": "Allow",
            "Action": [
                "lambda:AddLayerVersionPermission",
                "lambda:DeleteLayerVersion",
                "lambda:GetLayerVersion",
                "lambda:GetLayerVersionPolicy",
                "lambda:RemoveLayerVersionPermission",
            ],
            "Resource": _layers(scope, ":*"),
        },
    ]
    if scope.bucket:
        statements += _through(scope, scope.bucket)
    if scope.parameters:
        where = f"arn:{scope.partition}:ssm:*:{scope.account or '*'}:parameter"
        statements.append(
            {
                "Sid": "WriteParameters",
                "Effect": "Allow",
                "Action": ["ssm:GetParameter", "ssm:PutParameter"],
                "Resource": [f"{where}{name}" for name in scope.parameters],
            }
        )
    return {"Version": "2012-10-17", "Statement": statements}


def starred(parameter: str) -> str:
    """Return a pattern of a parameter's name as IAM writes it."""
    return re.sub(r"\{[a-z]+\}", "*", parameter)


def _layers(scope: Scope, suffix: str) -> list[str]:
    where = f"arn:{scope.partition}:lambda:*:{scope.account or '*'}:layer"
    return [f"{where}:{name}{suffix}" for name in (scope.names or ("*",))]


def _through(scope: Scope, bucket: str) -> list[dict[str, Any]]:
    arn = f"arn:{scope.partition}:s3:::{bucket}"
    objects = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"]
    return [
        {
            "Sid": "LookAtTheBucket",
            "Effect": "Allow",
            "Action": ["s3:ListBucket", *(["s3:GetBucketVersioning"] if scope.reference else [])],
            "Resource": arn,
        },
        {
            "Sid": "PutZipsIntoTheBucket",
            "Effect": "Allow",
            "Action": objects + (["s3:GetObjectVersion"] if scope.reference else ["s3:DeleteObject"]),
            "Resource": f"{arn}/layerwright/*",
        },
    ]
