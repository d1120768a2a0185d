"""A program for Terraform's data source `external`: the plan of one layer, as strings."""

import json
import subprocess
import sys


def main() -> str:
    """Return the document of the result; what goes wrong ends the program, and Terraform shows what it said."""
    command = json.loads(json.load(sys.stdin)["command"])
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", check=False)
    except FileNotFoundError:
        sys.exit(f"`{command[0]}` is not installed, or not in PATH; install layerwright, or set `command`")
    if done.returncode:
        sys.exit(f"`{' '.join(command)}` failed with {done.returncode}")
    plans = json.loads(done.stdout)["plans"]
    if len(plans) != 1:
        targets = ", ".join(plan["target"] for plan in plans)
        sys.exit(f"a layer is one zip, and these are {len(plans)}: choose by runtimes and architecture: {targets}")
    (plan,) = plans
    result = {
        "digest": plan["plan_digest"],
        "target": plan["target"],
        "description": plan["description"],
        "license": plan["license"],
        "runtimes": json.dumps(plan["runtimes"]),
        "architectures": json.dumps(plan["architectures"]),
    }
    return json.dumps(result)


if __name__ == "__main__":
    print(main())  # noqa: T201  the result is what it prints
