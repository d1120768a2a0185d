"""Tests of layers for Node.js: code as CommonJS or as a module, with the search path of Lambda."""

import re
from collections.abc import Sequence

NODE = "/var/lang/bin/node"
_MODULE = re.compile(r"^\s*import\s+[\w{*'\"]", re.MULTILINE)
_SEARCH = """
import module from 'node:module';
import { pathToFileURL } from 'node:url';
const folders = (process.env.NODE_PATH ?? '').split(':');
module.registerHooks?.({ resolve(specifier, context, next) {
    try { return next(specifier, context); } catch (error) {
        if (error.code !== 'ERR_MODULE_NOT_FOUND' || /^[./]|^[a-z]+:/.test(specifier)) throw error;
        for (const folder of folders) {
            try { return next(specifier, { ...context, parentURL: pathToFileURL(folder + '/../x.js').href }); } catch {}
        }
        throw error;
    }
} });
"""
"""In Lambda `import` looks into NODE_PATH, by a change of Amazon's since Node.js 18; a plain node does not."""


def is_module(code: str) -> bool:
    """Return whether code is a module: whether a line begins with an import declaration."""
    return _MODULE.search(code) is not None


def command(code: str, arguments: Sequence[str] = (), *, as_module: bool) -> list[str]:
    """Return the command that runs code."""
    if not as_module:
        return [NODE, "--input-type=commonjs", "-e", code, *arguments]
    search = "data:text/javascript," + "".join(f"%{byte:02x}" for byte in _SEARCH.encode())
    return [NODE, f"--import={search}", "--input-type=module", "-e", code, *arguments]
