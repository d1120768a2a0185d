"""`make benchmark-publish`: 20 layers to 20 regions, unchanged and changed, against loops with boto3.

moto's server answers, in a process of its own; a server before it makes every answer 50 ms later and counts. The loops
are what scripts do: one call after the other, with one client per region.
"""

import os
import statistics
import subprocess
import sys
import tempfile
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
        self.fastest = 0
        """Most requests that any region saw within a second."""

    def zips(self, prefix: str) -> list[Path]:
        """Write all zips with content that nobody has seen."""
        self.round += 1
        content = f"{self.round} ".encode() * 4000
        return [
            published.layer(self.folder / "dist", f"{prefix}{number:02}", content + os.urandom(8000))
            for number in range(LAYERS)
        ]

    def ours(self, zips: list[Path], *, forgotten: bool = False) -> float:
        """Publish, and return the seconds; with or without what earlier calls have learnt."""
        self.cloud.seen.clear()
        command: list[str | Path] = [
            sys.executable,
            "-m",
            "builder",
            "publish",
            *zips,
            "--regions",
            ",".join(REGIONS),
            "--yes",
        ]
        cache = tempfile.mkdtemp(dir=self.folder) if forgotten else str(self.folder / "cache")
        env = {"PYTHONPATH": str(ROOT), "LAYERWRIGHT_CACHE": cache}
        run = process([*command, "--account", published.ACCOUNT], cwd=self.folder, env=env)
        self.fastest = max(self.fastest, *self.cloud.most_in_a_second().values())
        return run.wall

    def loop(self, code: str, arguments: list[str]) -> float:
        return process([sys.executable, "-c", code, ",".join(REGIONS), ",".join(arguments)], cwd=self.folder).wall


def main() -> None:
    with tempfile.TemporaryDirectory() as name, aws.server() as server, published.cloud(server) as cloud:
        folder = Path(name)
        bench = Bench(folder, cloud)
        cloud.latency = LATENCY
        rows = measured(bench)
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
    publish(rows, "publish-speed", conditions)


def measured(bench: Bench) -> list[Row]:
    rounds = [one_round(bench) for _ in range(RUNS + 1)][1:]
    changed, warm, cold, lists, loop = (statistics.median(values) for values in zip(*rounds, strict=True))
    return [
        row("nothing changed, against list-layer-versions in a loop", (warm, "s"), (lists, "s"), lists / warm, ">= 5"),
        row("the same on a machine that has forgotten all", (cold, "s"), (lists, "s"), lists / cold, ">= 5"),
        row(
            "all changed, against publish-layer-version in a loop", (changed, "s"), (loop, "s"), loop / changed, ">= 8"
        ),
        row(
            "most requests in a second and region, of 15",
            (float(bench.fastest), ""),
            (15.0, ""),
            bench.fastest / 15,
            "<= 1",
        ),
    ]


def one_round(bench: Bench) -> tuple[float, ...]:
    """Return the seconds of each measurement, one after the other: so a machine that drifts slows all alike."""
    zips = bench.zips("ours")
    changed, warm, cold = bench.ours(zips), bench.ours(zips), bench.ours(zips, forgotten=True)
    lists = bench.loop(LIST, [path.stem.split("-")[0] + "-python313-arm64" for path in zips])
    loop = bench.loop(PUBLISH, [str(path) for path in bench.zips("loop")])
    print(f"{changed:.2f} {warm:.2f} {cold:.2f} {lists:.2f} {loop:.2f}", file=sys.stderr)
    return changed, warm, cold, lists, loop


if __name__ == "__main__":
    main()
