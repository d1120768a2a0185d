"""Runs the Python test of a recipe, the last argument: first its imports, whose cost is told, then all of it."""

import ast
import sys
import time
from pathlib import Path

tree = ast.parse(sys.argv.pop())
statements = tree.body
tree.body = [node for node in statements if isinstance(node, (ast.Import, ast.ImportFrom))]
started = time.perf_counter()
space = {"__name__": "__main__"}
exec(compile(tree, "test", "exec"), space)  # noqa: S102  that is the job
if tree.body:
    print("layerwright-import-ms=%.1f" % ((time.perf_counter() - started) * 1000), file=sys.stderr)
    status = Path("/proc/self/status")
    for line in status.read_text().splitlines() if status.exists() else ():
        if line.startswith("VmHWM:"):
            print("layerwright-peak-mb=%.1f" % (int(line.split()[1]) / 1000), file=sys.stderr)
tree.body = statements
exec(compile(tree, "test", "exec"), space)  # noqa: S102
