"""Commands about AWS: publish, versions, prune, pull."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from builder.cli import options
from builder.errors import UsageError

if TYPE_CHECKING:
    from builder.publish.aws import Cloud, Identity
    from builder.publish.wanted import Given, Source
    from builder.publishing import Ask

_ZIP = ".zip"


def listed(_context: click.Context, _parameter: click.Parameter, value: Sequence[str]) -> tuple[str, ...]:
    """Take `--regions a,b --regions c` as three."""
    return tuple(dict.fromkeys(part.strip() for text in value for part in text.split(",") if part.strip()))


regions = click.option(
    "--regions",
    multiple=True,
    callback=listed,
    metavar="A,B|all",
    help="Regions, or all of the account's partition. Default: `regions` under [publish] in the recipe.",
)
yes = click.option("--yes", is_flag=True, help="Do it. Without, it is told what would be done.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """Whose credentials are used, and whose are meant."""

    account: str | None
    profile: str | None

    def cloud(self) -> "Cloud":
        from builder.publish.aws import Cloud

        return Cloud(self.profile)

    def asking(self, *, yes: bool, quiet: bool = False) -> "Ask":
        """Return how sure somebody must be before anything is changed."""
        from builder.publishing import Ask

        return Ask(yes=yes, account=self.account, confirm=confirmation(), quiet=quiet)


def access(function: options.F) -> options.F:
    """Add the options that say whose account it is; the command gets them as `access`."""
    decorate = options.together(
        click.option("--account", metavar="ID", help="The account that is meant; credentials of another are refused."),
        click.option("--profile", metavar="NAME", help="A profile of AWS's configuration. Default: boto3's chain."),
    )
    return decorate(options.bundled(function, "access", Access))


def confirmation() -> "Callable[[Identity], bool] | None":
    """Return what asks whoever sits at the terminal, if somebody does."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None

    def ask(identity: "Identity") -> bool:
        text = f"This is the first time for account {identity.account}, as {identity.arn}. Publish there?"
        return click.confirm(text, err=True)

    return ask


# ---- publish -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Which:
    """Which zips, and how they are narrowed."""

    names: tuple[str, ...]
    runtimes: tuple[str, ...]
    architectures: tuple[str, ...]
    only: tuple[str, ...]
    folder: Path
    output: Path

    def sources(self) -> "tuple[Source, ...]":
        """Return the zips that the command line names, by path or by recipe, each with its recipe's wishes."""
        found: list[Source] = []
        for name in dict.fromkeys(self.names):
            found += [self._by_path(Path(name))] if name.endswith(_ZIP) else self._by_recipe(name)
        return tuple(found)

    def _by_path(self, path: Path) -> "Source":
        from builder.layer import manifest
        from builder.model import recipes
        from builder.publish.wanted import Source

        recipe = (manifest.beside(path) or {}).get("name")
        if recipe in recipes.names(self.folder):
            return Source(zip=path, publish=recipes.load(self.folder, str(recipe)).recipe.publish)
        return Source(zip=path)

    def _by_recipe(self, name: str) -> "list[Source]":
        from builder.model import recipes
        from builder.model.target import Selection, select, targets
        from builder.publish.wanted import Source

        loaded = recipes.load(self.folder, name)
        wanted = Selection(runtimes=self.runtimes, architectures=self.architectures, only=self.only)
        chosen = select(targets(loaded.recipe), wanted)
        return [Source(zip=self.output / f"{one.name}{_ZIP}", publish=loaded.recipe.publish) for one in chosen]

    @property
    def by_path(self) -> bool:
        return bool(self.names) and all(name.endswith(_ZIP) for name in self.names)


@click.command()
@click.argument("names", nargs=-1, metavar="[RECIPE|ZIP]...")
@options.runtime_and_arch
@options.only
@options.recipes_folder
@options.output
@regions
@click.option(
    "--share",
    multiple=True,
    callback=listed,
    metavar="account:ID|org:ID|public",
    help="Who may use it, and nobody else; repeatable. Default: `share` in the recipe; without, a new version is for "
    "this account only, and an old one stays as it is.",
)
@click.option("--no-share", is_flag=True, help="Nobody else may use it.")
@click.option("--public", is_flag=True, help="Said as well where `public` is meant.")
@click.option("--name", metavar="PATTERN", help="Name of the layer; {name} {version} {runtime} {arch}.")
@click.option("--description", metavar="TEXT", help="Default: the manifest's.")
@click.option("--license", metavar="TEXT", help="Default: the manifest's.")
@click.option(
    "--bucket",
    envvar="LAYERWRIGHT_BUCKET",
    metavar="PATTERN",
    help="Bucket per region for zips above 50 MiB: my-layers-{region}; there is {account}, too.",
)
@click.option(
    "--storage",
    type=click.Choice(["copy", "reference"]),
    default="copy",
    show_default=True,
    help="reference: Lambda reads the zip from your bucket (S3ObjectStorageMode), which must have versioning.",
)
@click.option("--ssm", metavar="PATTERN", help="Write the ARN into this parameter: /layers/{name}/{runtime}/{arch}.")
@access
@yes
@click.option("--dry-run", is_flag=True, help="Tell what would change; the default.")
@click.option("--resume", is_flag=True, help="Go on with what was stopped or failed.")
@click.option("--print-policy", is_flag=True, help="Print the IAM policy that this needs, and do nothing.")
@options.as_json
def publish(  # noqa: PLR0913, PLR0917  each is an option
    names: tuple[str, ...],
    runtimes: tuple[str, ...],
    architectures: tuple[str, ...],
    only: tuple[str, ...],
    folder: Path,
    output: Path,
    access: Access,
    *,
    resume: bool,
    print_policy: bool,
    as_json: bool,
    **given: Any,  # noqa: ANN401
) -> None:
    """Publish zips as layer versions in many regions: what is there already is not published again.

    Zips are named by path, or by the recipe that they were built from. A dry run is the default: it tells per region
    what would be created, what is there, who may use it. Faults of single regions leave the others alone: exit code 8
    then, and --resume goes on.
    """
    which = Which(names=names, runtimes=runtimes, architectures=architectures, only=only, folder=folder, output=output)
    if print_policy:
        _print_policy(which, access.account, given)
        return
    _contradictions(names, given, resume=resume)
    from builder import console, publishing

    if resume:
        order, meant = publishing.resumed(output)
        access = replace(access, account=access.account or meant)
    else:
        order = _order(which, given)
    result = publishing.publish(access.cloud(), order, access.asking(yes=given["yes"] or resume, quiet=as_json))
    if as_json:
        console.data(result.as_json())
    if not result.good:
        raise publishing.failure(result)


def _contradictions(names: tuple[str, ...], given: dict[str, Any], *, resume: bool) -> None:
    if given["yes"] and given["dry_run"]:
        msg = "--yes and --dry-run contradict each other"
        raise UsageError(msg)
    if given["share"] and given["no_share"]:
        msg = "--share and --no-share contradict each other"
        raise UsageError(msg)
    if resume and (names or given["regions"] or given["share"] or given["dry_run"]):
        msg = "--resume goes on with what was asked before: it takes no names, regions or shares"
        raise UsageError(msg, hint="leave them out, or leave out --resume: nothing is published twice anyway")
    if not (resume or names):
        msg = "nothing to do: no recipe or zip is named"
        raise UsageError(msg, hint="for example `layerwright publish numpy --regions eu-west-1`")


def _order(which: Which, given: dict[str, Any]) -> Any:  # noqa: ANN401  publishing's Order, imported when needed
    from builder.publish import wanted
    from builder.publish.storage import Storage
    from builder.publish.survey import Order

    bucket = given["bucket"]
    reference = given["storage"] == "reference"
    if reference and not bucket:
        msg = "--storage reference needs the bucket that the zips stay in"
        raise UsageError(msg, hint="--bucket my-layers-{region}")
    storage = Storage(pattern=bucket, reference=reference) if bucket else None
    return Order(wanted=wanted.gather(which.sources(), _given(which, given)), output=which.output, storage=storage)


def _given(which: Which, given: dict[str, Any]) -> "Given":
    from builder.publish.wanted import Given

    return Given(
        regions=given["regions"],
        share=() if given["no_share"] else given["share"] or None,
        public=given["public"],
        name=given["name"],
        description=given["description"],
        license=given["license"],
        runtimes=which.runtimes if which.by_path else (),
        architectures=which.architectures if which.by_path else (),
        ssm=given["ssm"],
        storage=bool(given["bucket"]),
    )


def _print_policy(which: Which, account: str | None, given: dict[str, Any]) -> None:
    """Print what IAM takes; needs no credentials and no zips."""
    from builder import console
    from builder.publish import policy

    layers = layer_names(which) if which.names else []
    bucket = given["bucket"]
    parameter = given["ssm"]
    scope = policy.Scope(
        account=account,
        names=layers,
        bucket=bucket.replace("{region}", "*").replace("{account}", account or "*") if bucket else None,
        reference=given["storage"] == "reference",
        parameters=[policy.starred(parameter)] if parameter else (),
    )
    console.document(policy.document(scope))


def layer_names(which: Which, name: str | None = None) -> list[str]:
    """Return the names at AWS of what recipes make; what is no recipe is the name of a layer."""
    from builder.model import recipes
    from builder.model.target import Selection, select, targets
    from builder.publish.wanted import name_of

    known = recipes.names(which.folder)
    found: list[str] = []
    for one in which.names:
        if one not in known:
            found.append(Path(one).stem if one.endswith(_ZIP) else one)
            continue
        recipe = recipes.load(which.folder, one).recipe
        wanted = Selection(runtimes=which.runtimes, architectures=which.architectures, only=which.only)
        found += [name_of(name or recipe.publish.name, target) for target in select(targets(recipe), wanted)]
    return list(dict.fromkeys(found))


COMMANDS = (publish,)
