/* The page at work: choices, hovering, choosing a network, and what is kept while it reloads. */

const KEPT = `scaling-search ${DATA.title}`;
function keep() {
  const values = { ...state, hidden: [...state.hidden], rungs: [...state.rungs] };
  try { sessionStorage.setItem(KEPT, JSON.stringify(values)); } catch { /* a browser that keeps nothing */ }
}
const everything = new Map([...DATA.networks, ...DATA.candidates, ...DATA.gate].map((what) => [what.key, what]));
const figures = [];

/* A figure in place of the still ones of a section: its choices, its drawing, what it gives away. */
function live(section, name, [draw, keys], caption, choices, rows) {
  const still = section.querySelector(".still");
  const place = html("div", { class: "plot" }), tip = html("div", { class: "tip", hidden: true, "aria-hidden": "true" });
  const paper = (width) => withLegend(draw(width), keys());
  const button = (words, act) => html("button", { type: "button", class: "button", onclick: act }, words);
  const away = html("div", { class: "tools", role: "group", "aria-label": `Download ${name}` },
    button("PNG", () => savePng(name, paper)), button("SVG", () => saveSvg(name, paper)), button("CSV", () => saveCsv(name, rows())));
  const holder = html("div", { class: "live", id: `live-${name}` }, html("div", { class: "tools" }, ...choices.slice(0, -1)), choices.at(-1), place, tip,
    html("p", { class: "caption" }, caption), away);
  still.before(holder);
  still.hidden = true;
  const figure = { name, holder, redraw() {
    const focused = place.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    const root = draw(Math.max(300, Math.round(holder.clientWidth)));
    place.replaceChildren(root);
    roving(root);
    if (focused) [...root.querySelectorAll(".mark")].find((each) => each.dataset.key === focused)?.focus();
  } };
  hovering(holder, place, tip, section);
  figures.push(figure);
  return figure;
}

/* One mark of a figure is in the tab order; arrows lead to the others. */
function roving(root) {
  const marks = [...root.querySelectorAll(".mark")];
  marks[0]?.setAttribute("tabindex", 0);
  root.addEventListener("keydown", (event) => {
    const at = marks.indexOf(event.target), step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (at < 0 || !step) return;
    event.preventDefault();
    const next = marks[(at + step + marks.length) % marks.length];
    marks.forEach((each) => each.setAttribute("tabindex", each === next ? 0 : -1));
    next.focus();
  });
}

function hovering(holder, place, tip, section) {
  const of = (event) => event.target.closest?.(".mark");
  /* The marks that lie at one place, the uppermost first. */
  const stack = (group) => [...place.querySelectorAll(".mark")].filter((each) => each.getAttribute("transform") === group.getAttribute("transform")).reverse();
  const next = (group) => {
    const keys = stack(group).map((each) => each.dataset.key), at = keys.indexOf(state.chosen);
    return keys.length > 1 ? keys[(at + 1) % keys.length] : group.dataset.key;
  };
  const show = (group) => {
    const what = everything.get(group.dataset.key), [head, ...lines] = describe(what), below = stack(group).length - 1;
    if (below) lines.push(`${below} more at this place: click again, or use the arrow keys`);
    tip.replaceChildren(html("b", {}, head), ...lines.map((line) => html("span", {}, line)));
    tip.hidden = false;
    const at = group.getBoundingClientRect(), around = holder.getBoundingClientRect();
    const x = at.left + at.width / 2 - around.left, y = at.top - around.top;
    tip.style.left = `${Math.max(0, Math.min(x - tip.offsetWidth / 2, around.width - tip.offsetWidth))}px`;
    tip.style.top = `${y - tip.offsetHeight - 8 < 0 ? y + at.height + 8 : y - tip.offsetHeight - 8}px`;
  };
  const hide = () => { tip.hidden = true; };
  place.addEventListener("pointerover", (event) => { const group = of(event); group ? show(group) : hide(); });
  place.addEventListener("pointerleave", hide);
  place.addEventListener("focusin", (event) => { const group = of(event); if (group) show(group); });
  place.addEventListener("focusout", hide);
  place.addEventListener("click", (event) => { const group = of(event); if (group) choose(next(group), section); });
  place.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
    const group = of(event);
    if (group && (event.key === "Enter" || event.key === " ")) { event.preventDefault(); choose(group.dataset.key, section); }
  });
}

function redraw() { figures.forEach((figure) => figure.redraw()); keep(); }

/* Choices: one of several, or yes and no. */
function oneOf(words, name, options) {
  const radios = options.map(([value, text]) => html("label", {}, html("input", { type: "radio", name, value, checked: String(state[name]) === String(value),
    onchange: () => { state[name] = value; redraw(); } }), text));
  return html("fieldset", {}, html("legend", {}, words), ...radios);
}
function yes(words, name) {
  const box = html("input", { type: "checkbox", checked: state[name], "data-choice": name, onchange: () => {
    state[name] = box.checked;
    document.querySelectorAll(`[data-choice=${name}]`).forEach((each) => { each.checked = box.checked; });
    redraw();
  } });
  return html("label", {}, box, words);
}
/* The legend: a button a method, the same in every figure. */
function legend() {
  return html("div", { class: "tools keys", role: "group", "aria-label": "Methods shown" }, ...[...METHOD.values()].filter((look) => DATA.networks.some((each) => each.method === look.name)).map((look) => {
    const line = look.name === "base" ? null : svg("path", { d: "M0,7H34", stroke: look.colour, "stroke-width": 2, "stroke-dasharray": dashes(look.dash) });
    const key = svg("svg", { viewBox: "0 0 34 14", "aria-hidden": "true" }, line, svg("path", { d: outline(look.marker, 5), transform: "translate(17,7)", fill: look.colour }));
    return toggle(key, look.words, state.hidden, look.name, "method");
  }));
}
function toggle(key, words, hidden, value, kind) {
  const button = html("button", { type: "button", class: "button", "aria-pressed": String(!hidden.has(value)), [`data-${kind}`]: value, onclick: () => {
    hidden.has(value) ? hidden.delete(value) : hidden.add(value);
    document.querySelectorAll(`[data-${kind}]`).forEach((each) => { if (each.dataset[kind] === String(value)) each.setAttribute("aria-pressed", String(!hidden.has(value))); });
    redraw();
  } }, key, words);
  return button;
}

/* The chosen network: what it is, its learning curve, and the command that trains it. */
const panel = html("section", { class: "chosen-network", "aria-live": "polite", hidden: true });
function choose(key, section) {
  state.chosen = state.chosen === key ? null : key;
  if (section) section.querySelector(".live").after(panel);
  showChosen();
  redraw();
}
function showChosen() {
  const what = everything.get(state.chosen);
  panel.hidden = !what;
  document.querySelectorAll("tr.chosen").forEach((row) => row.classList.remove("chosen"));
  if (!what) return;
  document.querySelector(`tr[data-key="${CSS.escape(what.key)}"]`)?.classList.add("chosen");
  const facts = what.shares ? candidateFacts(what) : what.key.startsWith("gate ") ? gateFacts(what) : networkFacts(what);
  const list = html("dl", {}, ...facts.flatMap(([name, value]) => [html("dt", {}, name), html("dd", {}, value)]));
  const measure = what.curves?.validation_top1 ? "validation_top1" : Object.keys(what.curves ?? {}).find((name) => MEASURES[name]);
  const look = METHOD.get(what.method) ?? { colour: "var(--compound)", dash: [], marker: "o" };
  const curve = measure ? html("div", {}, curvesOf(400, 230, [[what, look]], measure, true)) : null;
  curve?.querySelectorAll(".mark").forEach((each) => { each.removeAttribute("role"); each.removeAttribute("aria-pressed"); each.removeAttribute("tabindex"); each.removeAttribute("aria-label"); each.classList.remove("mark"); });
  panel.replaceChildren(html("h3", {}, title(what)), html("div", { class: "columns" }, list, curve ?? html("p", {}, "No learning curve is recorded.")), ...commandOf(what),
    html("button", { type: "button", class: "button", onclick: () => choose(what.key) }, "Close"));
}
function networkFacts(what) {
  return [["network", what.network], ["depth, width, resolution", `${fixed(what.depth, 3)} ×, ${fixed(what.width, 3)} ×, ${fixed(what.resolution, 3)} ×`],
    ["side", `${what.px} px`], ["growth asked, real", `${fixed(what.growth_target)} ×, ${fixed(what.growth)} ×`],
    ...DATA.costs.map((cost) => [cost.short === "FLOPs" ? "MACs" : cost.short.toLowerCase(), amount(what.costs[cost.name], cost.unit, 4)]),
    ["test top-1", what.low === null ? `${fixed(what.top1)} % (n = ${what.n})` : `${fixed(what.top1)} % [${fixed(what.low)}, ${fixed(what.high)}], n = ${what.n}`],
    ["validation top-1", `${fixed(what.validation)} %`],
    ["single trainings", what.trainings.map((each) => (each.top1 === null ? each.status : fixed(each.top1))).join(", ")]];
}
function candidateFacts(what) {
  const shares = what.shares.map((share) => `${Math.round(100 * share)} %`).join(", ");
  return [["α, β, γ", [what.alpha, what.beta, what.gamma].map((value) => fixed(value, 3)).join(", ")], ["repeats", what.repeats], ["side", `${what.px} px`],
    ["MACs", amount(what.macs, "", 4)], ["real growth", `${fixed(what.growth)} ×`], ["nominal αβ²γ²", fixed(what.nominal_growth)],
    ["shares of depth, width, resolution", shares], ["rung, epochs, n", `${what.rung + 1}, ${what.epochs}, ${what.n}`],
    ["validation top-1", what.sd === null ? `${fixed(what.top1)} %` : `${fixed(what.top1)} ± ${fixed(what.sd)} %`], ["P(best)", fixed(what.p_best)],
    ["standing", what.best ? "the best" : what.tie ? "can't be told from the best" : "–"]];
}
function commandOf(what) {
  const point = what.shares ? [what.alpha, what.beta, what.gamma].map((value) => +value.toPrecision(6)) : null;
  if (!point && !what.study) return [];
  const command = point ? `scaling-search compare study.toml --alpha ${point[0]} --beta ${point[1]} --gamma ${point[2]} --out compare-${point.join("-")}`
    : `scaling-search run ${what.file}`;
  const words = point ? "Train it and its family beside the rivals, scored on the test split:" : "Train it again, from the same seeds, by its own study:";
  const copy = html("button", { type: "button", class: "button", onclick: () => navigator.clipboard?.writeText(command).then(() => { copy.textContent = "Copied"; }) }, "Copy");
  const file = point ? null : html("button", { type: "button", class: "button", onclick: () =>
    save(what.file, new Blob([what.study.map((place) => DATA.pieces[place]).join("\n\n")], { type: "application/toml" })) }, `Download ${what.file}`);
  return [html("p", {}, words), html("pre", {}, command), html("div", { class: "tools" }, copy, file)];
}

/* The rows of the tables stand for the networks, in the order of the data. */
function bind(id, list) {
  const table = document.querySelector(`#${id} table`);
  if (!table) return;
  [...table.tBodies[0].rows].forEach((row, i) => {
    if (!list[i]) return;
    row.dataset.key = list[i].key;
    const cell = row.cells[0];
    cell.replaceChildren(html("button", { type: "button", "aria-label": `Show ${title(list[i])}`, onclick: () => {
      choose(list[i].key, cell.closest("section").dataset.figure ? cell.closest("section") : document.querySelector("#accuracy"));
      if (!panel.hidden) panel.scrollIntoView({ block: "center" });
    } }, cell.textContent));
  });
}

function networkRows() {
  return done.filter(shown).map((what) => ({ method: what.method, phi: what.phi, network: what.network, depth: what.depth, width: what.width,
    resolution: what.resolution, px: what.px, ...Object.fromEntries(DATA.costs.map((cost) => [cost.name, what.costs[cost.name]])), growth: what.growth, n: what.n,
    test_top1_percent: what.top1, test_low_percent: what.low, test_high_percent: what.high, validation_top1_percent: what.validation }));
}
function candidateRows() {
  return DATA.candidates.map(({ network, alpha, beta, gamma, px, macs, growth, rung, epochs, n, top1, sd, p_best, tie, best, shares }) => ({ network, alpha, beta, gamma, px, macs,
    growth, depth_share: shares[0], width_share: shares[1], resolution_share: shares[2], rung, epochs, n, validation_top1_percent: top1, sd_points: sd, p_best, tie, best }));
}
function curveRows() {
  return done.filter((what) => shown(what) && what.curves).flatMap((what) => Object.keys(MEASURES).filter((name) => what.curves[name]).flatMap((name) =>
    Object.entries(what.curves[name].seeds).flatMap(([seed, values]) => values.map((value, i) => ({ method: what.method, phi: what.phi, seed, epoch: what.curves.epochs[i], measure: name, value })))));
}

const colours = (theme) => DATA.methods.map((method, i) => `--m${i}:${method[theme]}`).concat(`--compound:${DATA.methods.find((each) => each.name === "compound")?.[theme] ?? "#d55e00"}`).join(";");
document.head.append(html("style", {}, `:root{${colours("light")}}@media screen and (prefers-color-scheme: dark){:root{${colours("dark")}}}`));
document.querySelectorAll("table").forEach(sortable);
bind("comparison", DATA.networks);
bind("candidates", DATA.candidates);

const section = (name) => document.querySelector(`#${name}`);
if (section("gate") && DATA.gate.length)
  live(section("gate"), "gate", [gate, gateKeys],
    "The base and each axis grown alone, before the search. Lines lead from the base to means over seeds, faint dots are single trainings.", [still(gateKeys())], gateRows);
if (section("pareto") && WEIGHED.length)
  live(section("pareto"), "pareto", [pareto, paretoKeys],
    "On the line is every candidate that no other beats in both; only those of the highest rung are compared. Bars are one standard deviation over seeds, where there are several.", [still(paretoKeys())], paretoRows);
if (section("accuracy") && done.length)
  live(section("accuracy"), "accuracy", [accuracy, methodKeys],
    "Lines join means over seeds, bars are 95 % intervals with the scatter of all networks. Choose a network to see its trainings and how to train it again.",
    [oneOf("Against", "cost", DATA.costs.map((cost) => [cost.name, cost.short])), yes("logarithmic", "log"), yes("single trainings", "seeds"), legend()], networkRows);
if (section("landscape") && DATA.candidates.some((each) => each.top1 !== null)) {
  const rungs = RUNGS.length < 2 ? null : html("div", { class: "tools keys", role: "group", "aria-label": "Rungs shown" }, ...RUNGS.map((rung) =>
    toggle(svg("svg", { viewBox: "0 0 34 14", "aria-hidden": "true" }, svg("path", { d: outline(rungMarker(rung), 5), transform: "translate(17,7)", fill: "var(--soft)" })), `rung ${rung + 1}`, state.rungs, rung, "rung")));
  live(section("landscape"), "landscape", [landscape, candidateKeys],
    "Each candidate by how it shares the growth between depth, width and resolution, at the highest rung it reached; compare colours within one rung, since later rungs train longer. Thick black or white edge: the best; orange edge: can't be told from it.",
    [oneOf("Colour", "colour", Object.entries(COLOURS)), rungs], candidateRows);
}
if (section("curves") && done.some((each) => each.curves)) {
  const measures = Object.entries(MEASURES).filter(([name]) => done.some((each) => each.curves?.[name]));
  live(section("curves"), "curves", [curves, methodKeys], "Means over seeds by epoch; the base network at every φ.",
    [oneOf("Measure", "measure", measures), PHIS.length > 1 ? oneOf("φ", "phi", PHIS.map((phi) => [phi, String(phi)])) : null, yes("single trainings", "seeds"), legend()], curveRows);
}
if (state.chosen && everything.has(state.chosen)) {
  const home = everything.get(state.chosen).shares ? "landscape" : state.chosen.startsWith("gate ") ? "gate" : "accuracy";
  section(home)?.querySelector(".live")?.after(panel);
  showChosen();
}
redraw();
let width = window.innerWidth;
window.addEventListener("resize", () => { if (window.innerWidth !== width) { width = window.innerWidth; redraw(); } });
