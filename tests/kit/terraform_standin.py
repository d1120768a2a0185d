"""Stand-ins for the providers `external` and `aws` of Terraform, of which only what the module uses.

The program is run by Terraform, in an environment that has the package `tf`; its first argument says which one it is.
"""

import base64
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

from tf import runner, schema, types

REPLACE = {"requires_replace": True}
TEXT, TEXTS = types.String(), types.List(types.String())
OF_LAYERS = {
    "layer_name": {"type": TEXT, "required": True, **REPLACE},
    "compatible_architectures": {"type": TEXTS, "optional": True, **REPLACE},
    "compatible_runtimes": {"type": TEXTS, "optional": True, **REPLACE},
    "description": {"type": TEXT, "optional": True, **REPLACE},
    "filename": {"type": TEXT, "optional": True, **REPLACE},
    "license_info": {"type": TEXT, "optional": True, **REPLACE},
    "s3_bucket": {"type": TEXT, "optional": True, **REPLACE},
    "s3_key": {"type": TEXT, "optional": True, **REPLACE},
    "skip_destroy": {"type": types.Bool(), "optional": True},
    "arn": {"type": TEXT, "computed": True},
    "version": {"type": TEXT, "computed": True},
    "code_sha256": {"type": TEXT, "computed": True},
}
OF_OBJECTS = {
    "bucket": {"type": TEXT, "required": True, **REPLACE},
    "key": {"type": TEXT, "required": True, **REPLACE},
    "source": {"type": TEXT, "optional": True},
    "source_hash": {"type": TEXT, "optional": True},
}
OF_EXTERNAL = {
    "program": {"type": TEXTS, "required": True},
    "working_dir": {"type": TEXT, "optional": True},
    "query": {"type": types.Map(types.String()), "optional": True},
    "result": {"type": types.Map(types.String()), "computed": True},
}


def attributes(rows: dict[str, dict[str, Any]]) -> Any:
    return schema.Schema(attributes=[schema.Attribute(name, **row) for name, row in rows.items()])


class Part:
    """What a resource or data source has in common."""

    name = ""
    rows: ClassVar[dict[str, dict[str, Any]]] = {}

    def __init__(self, _provider: object) -> None:
        pass

    @classmethod
    def get_name(cls) -> str:
        return cls.name

    @classmethod
    def get_schema(cls) -> Any:
        return attributes(cls.rows)

    def validate(self, *_: object) -> None:
        pass


class ExternalData(Part):
    """Runs a program with a query of strings on its stdin, and returns the strings of its stdout."""

    rows = OF_EXTERNAL

    def read(self, ctx: Any, config: dict[str, Any]) -> dict[str, Any] | None:
        done = subprocess.run(
            config["program"],
            cwd=config["working_dir"],
            input=json.dumps(config["query"] or {}),
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        if done.returncode:
            ctx.diagnostics.add_error("External Program Execution Failed", done.stderr)
            return None
        return {**config, "result": json.loads(done.stdout)}


class Stored(Part):
    """A resource that is as it was made."""

    def create(self, _ctx: object, planned: dict[str, Any]) -> dict[str, Any]:
        return planned

    def read(self, _ctx: object, current: dict[str, Any]) -> dict[str, Any]:
        return current

    def update(self, _ctx: object, _current: dict[str, Any], planned: dict[str, Any]) -> dict[str, Any]:
        return planned

    def delete(self, _ctx: object, _current: dict[str, Any]) -> None:
        pass

    def upgrade(self, _ctx: object, _version: int, old: dict[str, Any]) -> dict[str, Any]:
        return old

    def plan(self, _ctx: object, _current: object, planned: dict[str, Any]) -> dict[str, Any]:
        return planned


class LayerVersionStandin(Stored):
    """A version with the hash of its zip, numbered by a file beside the state."""

    name = "lambda_layer_version"
    rows = OF_LAYERS

    def create(self, _ctx: object, planned: dict[str, Any]) -> dict[str, Any]:
        counter = Path(f"versions-{planned['layer_name']}")
        number = int(counter.read_text(encoding="utf-8")) + 1 if counter.exists() else 1
        counter.write_text(str(number), encoding="utf-8")
        path = Path(planned["filename"] or Path(planned["s3_bucket"]) / planned["s3_key"])
        code = base64.b64encode(hashlib.sha256(path.read_bytes()).digest()).decode()
        arn = f"arn:aws:lambda:eu-west-1:123456789012:layer:{planned['layer_name']}:{number}"
        return {**planned, "arn": arn, "version": str(number), "code_sha256": code}


class ObjectStandin(Stored):
    """An object in a folder of the bucket's name."""

    name = "s3_object"
    rows = OF_OBJECTS

    def create(self, _ctx: object, planned: dict[str, Any]) -> dict[str, Any]:
        path = Path(planned["bucket"]) / planned["key"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(Path(planned["source"]).read_bytes())
        return planned


class ProviderStandin:
    def __init__(self, kind: str) -> None:
        self.kind = kind

    def get_model_prefix(self) -> str:
        return "external" if self.kind == "external" else "aws_"

    def get_provider_schema(self, _diags: object) -> Any:
        return attributes({})

    def full_name(self) -> str:
        return f"registry.terraform.io/hashicorp/{self.kind}"

    def validate_config(self, *_: object) -> None:
        pass

    def configure_provider(self, *_: object) -> None:
        pass

    def get_data_sources(self) -> list[type[Part]]:
        return [ExternalData] if self.kind == "external" else []

    def get_resources(self) -> list[type[Part]]:
        return [] if self.kind == "external" else [LayerVersionStandin, ObjectStandin]

    def get_functions(self) -> list[type[Part]]:
        return []

    def new_resource(self, kind: type[Part]) -> Part:
        return kind(self)

    def new_data_source(self, kind: type[Part]) -> Part:
        return kind(self)


if __name__ == "__main__":
    runner.run_provider(ProviderStandin(sys.argv[1]), sys.argv)
