"""Runs the Python test of a recipe, the last argument: first its imports, whose time is told, then all of it."""

import ast
import sys
import time

tree = ast.parse(sys.argv.pop())
imports: "list[ast.stmt]" = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
started = time.perf_counter()
space = {"__name__": "__main__"}
exec(compile(ast.Module(imports, []), "test", "exec"), space)  # noqa: S102  that is the job
if imports:
    print("layerwright-import-ms=%.1f" % ((time.perf_counter() - started) * 1000), file=sys.stderr)
exec(compile(tree, "test", "exec"), space)  # noqa: S102
