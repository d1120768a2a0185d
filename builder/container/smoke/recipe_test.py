"""Runs the Python test of a recipe, the last argument: first its imports, whose cost is told, then all of it."""

import ast
import sys
import time

import layerwright_costs as costs

tree = ast.parse(sys.argv.pop())
statements = tree.body
imports = [node for node in statements if isinstance(node, (ast.Import, ast.ImportFrom))]
costs.begin()
space = {"__name__": "__main__"}


def run(node: ast.stmt) -> None:
    tree.body = [node]
    exec(compile(tree, "test", "exec"), space)  # noqa: S102  that is the job


started = time.perf_counter()
for each in imports:
    name = each.module or "." if isinstance(each, ast.ImportFrom) else each.names[0].name
    costs.measured(name, lambda node=each: run(node))
if imports:
    costs.tell(started)
tree.body = statements
exec(compile(tree, "test", "exec"), space)  # noqa: S102
