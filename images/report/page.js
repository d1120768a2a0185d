"use strict";
(async () => {
  const $ = (id) => document.getElementById(id);
  const MB = 1e6;
  const mb = (bytes) => (bytes / MB).toFixed(1) + " MB";
  const chunks = [...document.querySelectorAll("script.chunk")];
  const chips = [...document.querySelectorAll("#grid a.state")];
  const slotOf = (link) => decodeURIComponent(link.hash.slice(1));
  let searchable, current, asking = 0;

  // ---- what is known of the layers: in chunks sorted by slot, which are unpacked when one is asked for

  function unpacked(chunk) {
    chunk.targets ??= (async () => {
      const bytes = Uint8Array.from(atob(chunk.textContent), (letter) => letter.charCodeAt(0));
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
      return new Response(stream).json();
    })();
    return chunk.targets;
  }

  async function target(slot) {
    const chunk = chunks.find((one) => slot <= one.dataset.last);
    return chunk && (await unpacked(chunk))[slot];
  }

  // ---- building elements: text is always text, so nothing a package calls itself becomes markup

  function el(name, attributes, ...children) {
    const svg = ["svg", "rect", "text", "g", "title", "polyline", "circle", "line"].includes(name);
    const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
    made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
    return made;
  }

  function table(columns, rows, numbers = []) {
    if (!rows.length) return null;
    const cells = (row) => row.map((cell, at) => el("td", numbers.includes(at) ? { class: "n" } : {}, cell ?? ""));
    const head = el("tr", {}, columns.map((name) => el("th", { scope: "col" }, name)));
    return el("table", {}, el("thead", {}, head), el("tbody", {}, rows.map((row) => el("tr", {}, cells(row)))));
  }

  function section(title, ...content) {
    const found = content.flat().filter(Boolean);
    return found.length ? [el("h3", {}, title), ...found] : [];
  }

  function copyable(text, label) {
    const button = el("button", { type: "button", "aria-label": `Copy ${label}` }, "copy");
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(text);
      button.textContent = "copied";
    });
    return el("span", {}, text, " ", button);
  }

  // ---- pictures

  function bar(title, bytes, limit, unit) {
    const share = bytes / limit;
    const tone = share > 1 ? "over" : share > 0.9 ? "near" : "";
    const attributes = { role: "meter", "aria-label": title, "aria-valuenow": bytes, "aria-valuemin": 0, "aria-valuemax": limit };
    const fill = el("i", { style: `width:${Math.min(100, 100 * share)}%` });
    return [
      el("div", { class: "size" }, el("span", {}, title), el("span", {}, `${mb(bytes)} of ${unit}`)),
      el("div", { class: `bar ${tone}`, ...attributes }, fill),
    ];
  }

  // Squarified treemap (Bruls, Huizing, van Wijk 2000): rows are filled while their rectangles get squarer.
  function squarify(items, box) {
    const total = items.reduce((sum, [, size]) => sum + size, 0);
    const scale = (box.w * box.h) / (total || 1);
    const out = [];
    let { x, y, w, h } = box;
    let rest = items.filter(([, size]) => size > 0);
    while (rest.length) {
      const side = Math.min(w, h);
      const worst = (row) => {
        const area = row.reduce((sum, [, size]) => sum + size * scale, 0);
        const sizes = row.map(([, size]) => size * scale);
        return Math.max((side * side * Math.max(...sizes)) / area ** 2, area ** 2 / (side * side * Math.min(...sizes)));
      };
      let count = 1;
      while (count < rest.length && worst(rest.slice(0, count + 1)) <= worst(rest.slice(0, count))) count += 1;
      const row = rest.slice(0, count);
      const thick = row.reduce((sum, [, size]) => sum + size * scale, 0) / side;
      let at = 0;
      for (const [path, size] of row) {
        const long = (size * scale) / thick;
        out.push(w < h ? { path, size, x: x + at, y, w: long, h: thick } : { path, size, x, y: y + at, w: thick, h: long });
        at += long;
      }
      if (w < h) { y += thick; h -= thick; } else { x += thick; w -= thick; }
      rest = rest.slice(count);
    }
    return out;
  }

  function treemap(content) {
    if (!content.length) return null;
    const groups = [...new Set(content.map(([path]) => path.split("/").slice(0, 2).join("/")))];
    const total = content.reduce((sum, [, size]) => sum + size, 0);
    const cells = squarify(content, { x: 0, y: 0, w: 600, h: 300 }).map((cell) => {
      const hue = (groups.indexOf(cell.path.split("/").slice(0, 2).join("/")) * 47 + 210) % 360;
      const name = cell.path.replace(/\/$/, "").split("/").pop() + (cell.path.endsWith("/") ? "/…" : "");
      const room = Math.floor((cell.w - 8) / 6.2);
      return el("g", {},
        el("title", {}, `${cell.path} ${mb(cell.size)}, ${((100 * cell.size) / total).toFixed(1)} %`),
        el("rect", { class: "cell", x: cell.x, y: cell.y, width: cell.w, height: cell.h, fill: `hsl(${hue} 45% 55% / .45)` }),
        cell.h > 16 && room > 3 ? el("text", { x: cell.x + 5, y: cell.y + 14 }, name.slice(0, room)) : null);
    });
    const rows = content.map(([path, size]) => [path, mb(size)]);
    return el("figure", {},
      el("svg", { viewBox: "0 0 600 300", role: "img", "aria-label": "Where the unzipped bytes are; the table below says the same" }, cells),
      el("details", {}, el("summary", {}, "as a table"), table(["path", "unzipped"], rows, [1])));
  }

  function trend(title, points, show) {
    const known = points.filter(([, value]) => value !== null && value !== undefined);
    if (known.length < 2) return null;
    const values = known.map(([, value]) => value);
    const top = Math.max(...values), low = Math.min(...values), span = top - low || 1;
    const at = known.map(([, value], index) => [6 + (588 * index) / (known.length - 1), 50 - (40 * (value - low)) / span]);
    const label = `${title}: ${show(values[0])} at first, ${show(values.at(-1))} at last, ${show(low)} to ${show(top)}`;
    return el("figure", {},
      el("figcaption", {}, label),
      el("svg", { viewBox: "0 0 600 60", role: "img", "aria-label": label },
        el("line", { class: "axis", x1: 0, x2: 600, y1: 55, y2: 55 }),
        el("polyline", { class: "line", points: at.map((pair) => pair.join(",")).join(" ") }),
        at.map(([x, y], index) => el("circle", { class: "dot", cx: x, cy: y, r: 3 },
          el("title", {}, `${known[index][0].replace("T", " ").slice(0, 16)}: ${show(known[index][1])}`)))));
  }

  // ---- one layer

  function failed(failure) {
    if (!failure) return [];
    const tail = failure.tail.length ? el("details", {}, el("summary", {}, "the end of its log"), el("pre", {}, failure.tail.join("\n"))) : null;
    return [el("p", { class: "error" }, el("b", {}, failure.what)), el("pre", {}, failure.why.join("\n")), failure.hint && el("p", {}, failure.hint), tail];
  }

  function made(found) {
    if (!found) return [];
    const abi = Object.entries(found.abi).filter(([, version]) => version).map(([family, version]) => `${family.toUpperCase()} ${version}`);
    return [
      bar("zip", found.zip, Number($("detail").dataset.zip), "50 MiB for a direct upload"),
      bar("unzipped", found.unzipped, Number($("detail").dataset.unzipped), "250 MiB for all layers of a function"),
      el("p", {}, `${found.route}; ${found.files} files; ${found.license}; needs ${abi.join(", ") || "no symbol versions"}`),
      found.homepage && el("p", {}, el("a", { href: found.homepage, rel: "noreferrer" }, found.homepage)),
      el("p", {}, el("small", {}, copyable(found.sha256, "the SHA-256"))),
    ];
  }

  function lists(one) {
    const found = one.made || { packages: [], libraries: [], findings: [], arns: [] };
    const findings = found.findings.map(([severity, check, path, message, allowed]) =>
      [el("span", { class: allowed ? "" : severity }, `${severity} ${check}`), `${path || ""} ${message}${allowed ? ` (allowed: ${allowed})` : ""}`]);
    return [
      section("Published", table(["region", "version ARN"], found.arns.map(([region, arn]) => [region, copyable(arn, "the ARN")]))),
      section("Since the revision before", table(["what", "was", "is"], one.changes.map(([kind, name, old, now]) => [`${kind} ${name}`, old || "–", now || "–"]))),
      section("Packages", table(["package", "version", "route", "license"], found.packages)),
      section("Libraries that came along", table(["library", "from", "version", "license"], found.libraries)),
      section("Findings", table(["check", "what"], findings)),
      section("Variables of functions", table(["variable", "value", "for"], found.environment)),
      section("Tests", el("p", {}, one.tested.join("; ")), table(["test", "runtime", "architecture", "cold start"], one.tests.map(([what, runtime, arch, cold, emulated]) =>
        [what, runtime, arch, cold ? `${cold.toFixed(0)} ms${emulated ? ", emulated" : ""}` : ""]), [3])),
    ];
  }

  function render(one) {
    const last = one.last;
    const when = last && `${one.state}; last built ${last.at.replace("T", " ").slice(0, 16)} UTC in ${last.s.toFixed(1)} s, revision ${one.revision}${last.tries > 1 ? `, ${last.tries} tries` : ""}`;
    return [
      el("h2", {}, one.name), el("p", {}, one.about), el("p", {}, when || one.state),
      last && last.stages.length ? el("p", {}, `Stages: ${last.stages.map(([stage, seconds]) => `${stage} ${seconds.toFixed(1)} s`).join(", ")}`) : null,
      last && last.why.length ? el("p", {}, `Why: ${last.why.join("; ")}`) : null,
      failed(one.failure), section("The scanner says", one.scan.length ? el("pre", { class: "warning" }, one.scan.join("\n")) : null),
      made(one.made), section("Content", treemap(one.content)),
      section("Over the last builds",
        trend("zip", one.history.map(([at, zip]) => [at, zip]), mb),
        trend("unzipped", one.history.map(([at, , size]) => [at, size]), mb),
        trend("build", one.history.map(([at, , , seconds]) => [at, seconds]), (value) => `${value.toFixed(1)} s`),
        trend("cold start", one.history.map(([at, , , , cold]) => [at, cold]), (value) => `${value.toFixed(0)} ms`)),
      lists(one),
    ];
  }

  async function open() {
    const slot = slotOf(location);
    const one = slot ? await target(slot) : undefined;
    if (slot !== slotOf(location)) return; // another one was opened meanwhile
    const aside = $("detail");
    document.body.classList.toggle("open", Boolean(one));
    aside.hidden = !one;
    current?.removeAttribute("aria-current");
    current = one && chips.find((link) => slotOf(link) === slot);
    if (!one) return;
    current?.setAttribute("aria-current", "true");
    const close = el("button", { type: "button", class: "close", "aria-label": "Close the details" }, "✕");
    close.addEventListener("click", shut);
    aside.replaceChildren(close, ...render(one).flat(3).filter(Boolean));
    aside.scrollTop = 0;
    aside.focus({ preventScroll: true });
    aside.scrollIntoView({ block: "nearest" });
  }

  function shut() {
    const slot = slotOf(location);
    history.replaceState(null, "", location.pathname + location.search);
    open();
    chips.find((link) => slotOf(link) === slot)?.focus();
  }

  // ---- filter and keys

  function words() {
    searchable ??= (async () => {
      const found = {};
      for (const chunk of chunks) {
        for (const [name, one] of Object.entries(await unpacked(chunk))) {
          const made = one.made && [one.made.packages, one.made.libraries, one.made.findings, one.made.abi];
          found[name] = JSON.stringify([name, one.name, one.about, one.state, one.failure, made]).toLowerCase();
        }
      }
      return found;
    })();
    return searchable;
  }

  async function filter() {
    const asked = $("q").value.toLowerCase().split(/\s+/).filter(Boolean);
    const turn = ++asking;
    if (asked.length) $("shown").textContent = "searching …";
    const text = asked.length ? await words() : {};
    if (turn !== asking) return; // something else was asked meanwhile
    const states = new Set([...document.querySelectorAll("input[name=state]:checked")].map((box) => box.value));
    const arch = $("arch").value;
    let shown = 0;
    for (const link of chips) {
      const fits = states.has(link.dataset.state) && (!arch || link.dataset.arch.split(" ").includes(arch)) &&
        (!asked.length || asked.every((word) => (text[slotOf(link)] || "").includes(word)));
      if (link.hidden === fits) {
        link.hidden = !fits;
        link.style.display = fits ? "" : "none";
      }
      shown += fits;
    }
    for (const row of document.querySelectorAll("#grid tbody tr")) row.hidden = !row.querySelector("a.state:not([hidden])");
    $("shown").textContent = `${shown} of ${chips.length} shown`;
  }

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && document.body.classList.contains("open")) return shut();
    if (event.key === "/" && !/INPUT|SELECT/.test(event.target.tagName)) { event.preventDefault(); return $("q").focus(); }
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const visible = chips.filter((link) => !link.hidden);
    const at = visible.indexOf(document.activeElement);
    if (step && at >= 0) { event.preventDefault(); visible[at + step]?.focus(); }
  });
  $("filter").addEventListener("input", filter);
  $("filter").addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", open);
  await filter();
  await open();
  document.documentElement.dataset.ready = performance.now().toFixed(0);
})();
