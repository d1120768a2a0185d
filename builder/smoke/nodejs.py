"""Tests of layers for Node.js: code as CommonJS or as a module, with the search path of Lambda."""

import re
from collections.abc import Iterator, Sequence

from builder.layer.tree import Tree

MARK = "layerwright-import-ms="
NODE = "/var/lang/bin/node"
_MODULE = re.compile(r"^\s*import\s+[\w{*'\"]", re.MULTILINE)
_PACKAGE = re.compile(r"^nodejs/(?:node\d+/)?node_modules/(?P<name>(?:@[^/]+/)?[^/@.][^/]*)/package\.json$")
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
"""Makes `import` search NODE_PATH, as in Lambda since Node.js 18, where Amazon changed Node.js accordingly."""
EACH = f"""
import {{ createRequire }} from 'node:module';
const require = createRequire('/var/task/x.js');
const started = performance.now(), failed = [], errors = [];
for (const name of process.argv.slice(1)) {{
    try {{ require(name); }} catch (first) {{
        try {{ await import(name); }} catch (error) {{ failed.push(name); errors.push(first, error); }}
    }}
}}
console.error('{MARK}' + (performance.now() - started).toFixed(1));
if (failed.length) {{
    console.error('Error: cannot be imported: ' + failed.join(' '));
    errors.forEach((error) => console.error(error));
    process.exit(1);
}}
"""


def is_module(code: str) -> bool:
    """Return whether code is a module: whether a line begins with an import declaration."""
    return _MODULE.search(code) is not None


def command(code: str, arguments: Sequence[str] = (), *, as_module: bool) -> list[str]:
    """Return the command that runs code."""
    if not as_module:
        return [NODE, "--input-type=commonjs", "-e", code, *arguments]
    search = "data:text/javascript," + "".join(f"%{byte:02x}" for byte in _SEARCH.encode())
    return [NODE, f"--import={search}", "--input-type=module", "-e", code, *arguments]


def packages(content: Tree) -> Iterator[str]:
    """Yield the packages of a layer that can be imported by name: not those with only types or a binary."""
    for entry in content:
        if match := _PACKAGE.match(entry.path):
            text = entry.content.read()
            only_here = re.search(rb'"(?:os|cpu|libc)"\s*:', text)  # a binary that another package asks for
            if re.search(rb'"(?:main|module|exports)"\s*:', text) and not only_here:
                yield match["name"]
