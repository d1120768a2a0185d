// Loads one package after another with require, or else with import, and notes what becomes of each; tells the time that
// the first of them took. Addons (`native`) are loaded if no package has done that. What ended a process is tried once
// more, alone.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
const LOADER = /cannot open shared object|undefined symbol|version `|invalid ELF|wrong ELF|file too short|static TLS/;
const MISSING = /Cannot find (?:module|package) '([^']+)'/;
const require = createRequire('/var/task/x.js');
const plan = JSON.parse(fs.readFileSync('/var/task/layerwright.json', 'utf8'));
const notes = fs.readFileSync('/tmp/layerwright.notes', 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
const begun = notes.filter((each) => each[0] === 'begin').map((each) => each[1]);
const last = begun.at(-1), from = begun.length ? last + (begun.filter((each) => each === last).length > 1 ? 1 : 0) : 0;
const out = fs.openSync('/tmp/layerwright.notes', 'a');
const note = (...words) => fs.writeSync(out, JSON.stringify(words) + '\n');
const machine = (path) => {
    const head = Buffer.alloc(20), file = fs.openSync(path);
    fs.readSync(file, head);
    fs.closeSync(file);
    return head.readUInt16LE(18);
};
const described = (errors) => ({
    text: String(errors.at(-1)),
    missing: errors.flatMap((error) => MISSING.exec(error?.message)?.[1] ?? []),
    loads: errors.some((error) => LOADER.test(error?.message)),
    trace: errors.flatMap((error) => String(error?.stack ?? error).split('\n')).filter((line) => !/^\s+at /.test(line)).slice(0, 8),
});
const load = async (name, kind) => {
    if (kind === 'native') {
        process.dlopen({ exports: {} }, name, os.constants.dlopen.RTLD_NOW);
        return;
    }
    try { require(name); } catch (first) {
        try { await import(name); } catch (error) { throw [first, error]; }
    }
};
const started = performance.now();
let timed = from > 0, loaded;
const tell = () => {
    if (timed) return;
    console.error('layerwright-import-ms=' + (performance.now() - started).toFixed(1));
    console.error('layerwright-peak-mb=' + (process.resourceUsage().maxRSS / 1e3).toFixed(1));
    timed = true;
};
const measured = async (name, kind) => {
    const began = performance.now(), before = process.memoryUsage.rss();
    await load(name, kind);
    const grown = Math.max(0, process.memoryUsage.rss() - before) / 1e6;
    const cost = (performance.now() - began).toFixed(1) + ' ' + grown.toFixed(1);
    if (kind === 'first') console.error(`layerwright-import=${name} ${cost}`);
};
for (const [number, [name, kind]] of plan.items.entries()) {
    if (number < from) continue;
    if (kind !== 'first') tell();
    if (kind === 'native') {
        loaded ??= fs.readFileSync('/proc/self/maps', 'utf8');
        if (loaded.includes(name + '\n')) { note('loaded', number); continue; }
        if (machine(name) !== machine(process.execPath)) continue;
    }
    note('begin', number);
    try { await measured(name, kind); } catch (error) { note('fail', number, described([error].flat())); }
}
tell();
note('through', 0);
process.reallyExit(0);
