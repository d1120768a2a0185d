"""`make benchmark-publish`: 20 layers to 20 regions, unchanged and changed, against loops with boto3.

moto's server answers, in a process of its own; a server before it makes every answer 50 ms later and counts. The loops
are what scripts do: one call after the other, with one client per region.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measure import Row, process, publish, row

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from kit import aws, published  # noqa: E402  the path is set above
from kit.front import Front  # noqa: E402

LAYERS, LATENCY, RUNS = 20, 0.05, 3
REGIONS = (
    *("us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1", "eu-west-1", "eu-west-2"),
    *("eu-west-3", "eu-central-1", "eu-north-1", "eu-south-1", "ap-south-1", "ap-northeast-1", "ap-northeast-2"),
    *("ap-northeast-3", "ap-southeast-1", "ap-southeast-2", "ap-east-1", "af-south-1"),
)
LIST = """
import sys, boto3
names = sys.argv[2].split(",")
for region in sys.argv[1].split(","):
    client = boto3.client("lambda", region_name=region)
    for name in names:
        client.list_layer_versions(LayerName=name)
"""
PUBLISH = """
import sys, boto3, pathlib
zips = [pathlib.Path(name) for name in sys.argv[2].split(",")]
for region in sys.argv[1].split(","):
    client = boto3.client("lambda", region_name=region)
    for zip in zips:
        client.publish_layer_version(
            LayerName=zip.stem.replace(".", ""), Content={"ZipFile": zip.read_bytes()},
            CompatibleRuntimes=["python3.13"], CompatibleArchitectures=["arm64"],
        )
"""


class Bench:
    """20 layers in a folder, and a cloud that is slow to answer."""

    def __init__(self, folder: Path, cloud: Front) -> None:
        self.folder, self.cloud = folder, cloud
        self.round = 0

    def zips(self, prefix: str) -> list[Path]:
        """Write all zips with content that nobody has seen."""
        self.round += 1
        content = f"{self.round} ".encode() * 4000
        return [
            published.layer(self.folder / "dist", f"{prefix}{number:02}", content + os.urandom(8000))
            for number in range(LAYERS)
        ]

    def ours(self, zips: list[Path]) -> tuple[float, int]:
        """Publish, and return the seconds with the most requests that any region saw within a second."""
        self.cloud.seen.clear()
        command = [sys.executable, "-m", "builder", "publish", *zips, "--regions", ",".join(REGIONS), "--yes"]
        run = process([*command, "--account", published.ACCOUNT], cwd=self.folder, env={"PYTHONPATH": str(ROOT)})
        return run.wall, max(self.cloud.most_in_a_second().values())

    def loop(self, code: str, arguments: list[str]) -> float:
        return process([sys.executable, "-c", code, ",".join(REGIONS), ",".join(arguments)], cwd=self.folder).wall


def main() -> None:
    with tempfile.TemporaryDirectory() as name, aws.server() as server, published.cloud(server) as cloud:
        folder = Path(name)
        os.environ["LAYERWRIGHT_CACHE"] = str(folder / "cache")
        bench = Bench(folder, cloud)
        cloud.latency = LATENCY
        rows = measured(bench, folder)
    version = subprocess.run(
        [sys.executable, "-c", "import moto; print(moto.__version__)"],
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout.strip()
    conditions = (
        f"{LAYERS} layers, {len(REGIONS)} regions, moto {version} with {LATENCY * 1000:.0f} ms added to every answer; "
        f"medians of {RUNS}, {os.cpu_count()} processors."
    )
    publish(rows, "benchmark-publish", conditions)


def measured(bench: Bench, folder: Path) -> list[Row]:
    changed, warm, cold, fastest = [], [], [], 0
    lists, loops = [], []
    for number in range(RUNS + 1):
        zips = bench.zips("ours")
        first, most = bench.ours(zips)
        again, _ = bench.ours(zips)
        shutil.rmtree(folder / "cache")
        forgotten, busy = bench.ours(zips)
        names = [path.stem.replace(".", "") for path in zips]
        looked = bench.loop(LIST, [f"{name.partition('-')[0]}-python313-arm64" for name in names])
        sent = bench.loop(PUBLISH, [str(path) for path in bench.zips("loop")])
        fastest = max(fastest, most, busy)
        if number:
            for values, value in zip(
                (changed, warm, cold, lists, loops), (first, again, forgotten, looked, sent), strict=True
            ):
                values.append(value)
        print(f"{number}: {first:.2f} {again:.2f} {forgotten:.2f} {looked:.2f} {sent:.2f} {most}", file=sys.stderr)
        time.sleep(1)
    ours = {"changed": statistics.median(changed), "warm": statistics.median(warm), "cold": statistics.median(cold)}
    theirs = {"list": statistics.median(lists), "publish": statistics.median(loops)}
    return [
        row(
            "nothing changed, against list-layer-versions in a loop",
            (ours["warm"], "s"),
            (theirs["list"], "s"),
            theirs["list"] / ours["warm"],
            ">= 5",
        ),
        row(
            "the same on a machine that has forgotten all",
            (ours["cold"], "s"),
            (theirs["list"], "s"),
            theirs["list"] / ours["cold"],
            ">= 5",
        ),
        row(
            "all changed, against publish-layer-version in a loop",
            (ours["changed"], "s"),
            (theirs["publish"], "s"),
            theirs["publish"] / ours["changed"],
            ">= 8",
        ),
        row("most requests in a second and region, of 15", (float(fastest), ""), (15.0, ""), fastest / 15, "<= 1"),
    ]


if __name__ == "__main__":
    main()
