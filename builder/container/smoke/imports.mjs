// Loads each package with require, or else with import, and tells the time that it took, and which cannot be loaded.
import { createRequire } from 'node:module';
const require = createRequire('/var/task/x.js');
const started = performance.now(), failed = [], errors = [];
for (const name of process.argv.slice(1)) {
    try { require(name); } catch (first) {
        try { await import(name); } catch (error) { failed.push(name); errors.push(first, error); }
    }
}
console.error('layerwright-import-ms=' + (performance.now() - started).toFixed(1));
if (failed.length) {
    console.error('Error: cannot be imported: ' + failed.join(' '));
    errors.forEach((error) => console.error(error));
    process.exit(1);
}
