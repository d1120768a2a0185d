"""Which branches of Python code are for Linux: conditions that name a system are decided as they read."""

import ast
import re
from collections.abc import Sequence

_OTHER = re.compile(
    r"win32|darwin|cygwin|msys|Windows|Darwin|'nt'|\"nt\"|java|emscripten|wasi|freebsd|macos", re.IGNORECASE
)
_LINUX = re.compile(r"['\"](?:linux2?|posix)['\"]", re.IGNORECASE)
_NAME = re.compile(r"(?:\w+\.)*(?:sys\.platform|platform\.system\(\)|os\.name)(?:\.lower\(\))?|platform")
_KEYS = {"linux", "linux2", "posix"}


def branch(node: ast.If | ast.IfExp) -> Sequence[ast.AST] | None:
    """Return the parts of a condition that are reached on Linux; None if it does not depend on the system alone."""
    test = ast.unparse(node.test)
    if _LINUX.search(test):
        if isinstance(node.test, ast.BoolOp):
            return None
        reached = node.orelse if _excludes(node.test) else node.body
    elif _OTHER.search(test):
        reached = node.body if _excludes(node.test) else node.orelse
    else:
        return None
    return reached if isinstance(reached, list) else [reached]


def _excludes(test: ast.expr) -> bool:
    """Tell whether a condition is true where the system is not the one that it names."""
    negated = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
    return negated or (isinstance(test, ast.Compare) and isinstance(test.ops[0], (ast.NotEq, ast.NotIn)))


def is_system(value: ast.expr) -> bool:
    """Tell whether an expression is the name of the system."""
    return _NAME.fullmatch(ast.unparse(value)) is not None


def entry(table: ast.Dict) -> ast.expr | None:
    """Return the value for Linux in a dict by names of systems."""
    for key, value in zip(table.keys, table.values, strict=True):
        if isinstance(key, ast.Constant) and str(key.value).lower() in _KEYS:
            return value
    return None
