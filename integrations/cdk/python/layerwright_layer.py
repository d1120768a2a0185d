"""A construct for AWS CDK: a layer that layerwright builds when the app is synthesized."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsii
from aws_cdk import AssetHashType, BundlingOptions, BundlingOutput, DockerImage, ILocalBundling
from aws_cdk import aws_lambda as lambda_
from constructs import Construct


class LayerwrightError(RuntimeError):
    """layerwright is missing or failed; what it told stands on stderr."""


class LayerwrightLayer(lambda_.LayerVersion):
    """A layer whose asset is the zip as layerwright wrote it, known by the digest of the plan.

    As long as the digest stays, nothing is built.

    recipe: one of the own folder or of layerwright's catalogue, or the folder of a project.
    runtimes, architecture: default to those of the recipe, if one zip serves all of them.
    recipes: folder of recipes.
    options: more options of `layerwright plan` and `layerwright build` alike, such as `["--group", "prod"]`.
    output: folder of the zips, between builds.
    command: how layerwright is started.
    Further keywords are those of any LayerVersion.
    """

    def __init__(  # noqa: PLR0913  the interface of a construct is its keywords
        self,
        scope: Construct,
        construct_id: str,
        *,
        recipe: str,
        runtimes: Sequence[lambda_.Runtime] = (),
        architecture: lambda_.Architecture | None = None,
        recipes: str | None = None,
        options: Sequence[str] = (),
        output: str = "layerwright.out",
        command: Sequence[str] = ("layerwright",),
        **layer_version: Any,  # noqa: ANN401  of CDK
    ) -> None:
        """Plan the layer, and build it unless the app's folder of assets has it."""
        selection = [recipe, *(part for runtime in runtimes for part in ("--runtime", runtime.name))]
        selection += ["--arch", architecture.name] if architecture else []
        selection += ["--recipes", recipes] if recipes else []
        caller = _Layerwright(command=tuple(command), selection=(*selection, *options))
        plan = caller.plan()
        known = {runtime.name: runtime for runtime in lambda_.Runtime.ALL}  # CDK compares them by more than their names
        super().__init__(
            scope,
            construct_id,
            **{"description": plan["description"], "license": plan["license"], **layer_version},
            compatible_runtimes=[known.get(name) or lambda_.Runtime(name) for name in plan["runtimes"]],
            compatible_architectures=[lambda_.Architecture.custom(name) for name in plan["architectures"]],
            code=lambda_.Code.from_asset(
                ".",
                asset_hash_type=AssetHashType.CUSTOM,
                asset_hash=plan["plan_digest"],
                bundling=BundlingOptions(
                    image=DockerImage.from_registry("layerwright"),  # asked for by CDK, and never used
                    output_type=BundlingOutput.ARCHIVED,
                    local=_Bundling(caller, plan, output),
                ),
            ),
        )
        self.plan_digest: str = plan["plan_digest"]
        """Everything that decides the bytes of the zip, as a digest."""


@jsii.implements(ILocalBundling)
class _Bundling:
    def __init__(self, caller: "_Layerwright", plan: dict[str, Any], output: str) -> None:
        self._caller = caller
        self._plan = plan
        self._output = output

    def try_bundle(self, output_dir: str, *_: object, **__: object) -> bool:
        """Build the zip, and put it where CDK expects it."""
        shutil.copyfile(zip_path := self._caller.build(self._plan, self._output), Path(output_dir) / zip_path.name)
        return True


@dataclass(frozen=True, kw_only=True)
class _Layerwright:
    """Runs layerwright. What it tells, errors above all, goes to stderr as it stands."""

    command: tuple[str, ...]
    selection: tuple[str, ...]

    def plan(self) -> dict[str, Any]:
        plans = self._run("plan", "--quiet")["plans"]
        if len(plans) != 1:
            targets = ", ".join(plan["target"] for plan in plans)
            msg = f"a layer is one zip, and these are {len(plans)}: choose by runtimes and architecture: {targets}"
            raise LayerwrightError(msg)
        found: dict[str, Any] = plans[0]
        return found

    def build(self, plan: dict[str, Any], output: str) -> Path:
        (built,) = self._run("build", "--output", output)["built"]
        if built["plan_digest"] != plan["plan_digest"]:
            msg = f"what decides {plan['target']} has changed while it was built; synthesize again"
            raise LayerwrightError(msg)
        return Path(built["path"])

    def _run(self, verb: str, *options: str) -> dict[str, Any]:
        command = [*self.command, verb, *self.selection, *options, "--json"]
        try:
            done = subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", check=False)
        except FileNotFoundError:
            msg = (
                f"`{self.command[0]}` is not installed, or not in PATH; install layerwright, or say with `command` "
                f"how it is started"
            )
            raise LayerwrightError(msg) from None
        if done.returncode:
            called = " ".join(("layerwright", verb, *self.selection))
            msg = f"`{called}` failed with {done.returncode}; its message stands above"
            raise LayerwrightError(msg)
        document: dict[str, Any] = json.loads(done.stdout)
        return document
