/* The figures of the gate and of a second objective, drawn as the others are. */

/* Validation top-1 against MACs of the base and of each axis grown alone: means, and each training. */
function gate(width) {
  const height = Math.round(Math.min(400, Math.max(320, width * 0.5))), box = [58, 14, width - 16, height - 52];
  const root = canvas(width, height, "The gate: validation top-1 against MACs"), [low, high] = extent(DATA.gate.map((each) => each.macs), true);
  const [least, most] = extent(DATA.gate.flatMap((each) => each.trainings), false), label = "FLOPs (multiply-adds)";
  const [x, y] = frame(root, box, { low, high, log: true, label, text: (value) => amount(value, "") }, { low: least, high: most, label: "validation top-1 (%)" });
  const base = DATA.gate.find((each) => each.method === "base"), marks = [];
  for (const each of DATA.gate) {
    const look = METHOD.get(each.method), at = [x(each.macs), y(each.top1)];
    if (base && each !== base) root.append(svg("path", { d: `M${x(base.macs)},${y(base.top1)}L${at}`, fill: "none", stroke: look.colour, "stroke-width": 2, "stroke-dasharray": dashes(look.dash) }));
    for (const value of each.trainings) root.append(svg("circle", { cx: at[0], cy: y(value), r: 3, fill: look.colour, "fill-opacity": 0.45 }));
    marks.push(mark(...at, look.marker, 6, { fill: look.colour, stroke: "var(--ink)", "stroke-width": 0.8 }, each));
  }
  root.append(...marks);
  return root;
}
function describeGate(each) {
  return [title(each), `${each.network}, ${amount(each.macs, "")} MACs`, `validation top-1 ${fixed(each.top1)} % (n = ${each.trainings.length})`];
}
function gateFacts(each) {
  return [["network", each.network], ["MACs", amount(each.macs, "", 4)], ["validation top-1", `${fixed(each.top1)} %, n = ${each.trainings.length}`],
    ["single trainings", each.trainings.map((value) => fixed(value)).join(", ")]];
}
function gateKeys() {
  return DATA.gate.map((each) => METHOD.get(each.method)).map((look) => ({ words: look.words, marker: look.marker, dash: look.name === "base" ? null : look.dash, fill: look.colour }));
}
function gateRows() {
  return DATA.gate.flatMap(({ method, network, macs, trainings }) => trainings.map((value, seed) => ({ method, network, macs, seed, validation_top1_percent: value })));
}

/* Validation top-1 against the second objective: candidates that no other beats in both are joined by steps. */
const WEIGHED = DATA.candidates.filter((each) => each.second !== null && each.top1 !== null);
function pareto(width) {
  const height = Math.round(Math.min(440, Math.max(330, width * 0.55))), box = [58, 14, width - 16, height - 52];
  const root = canvas(width, height, `Validation top-1 against ${DATA.second}`), [low, high] = extent(WEIGHED.map((each) => each.second), false);
  const [least, most] = extent(WEIGHED.flatMap((each) => [each.top1 - (each.on_front ? each.sd ?? 0 : 0), each.top1 + (each.on_front ? each.sd ?? 0 : 0)]), false);
  const [x, y] = frame(root, box, { low, high, label: DATA.second, text: (value) => amount(value, "") }, { low: least, high: most, label: "validation top-1 (%)" });
  const best = WEIGHED.filter((each) => each.on_front).sort((a, b) => a.second - b.second);
  const steps = best.map((each, i) => (i ? `H${x(each.second)}V${y(each.top1)}` : `M${x(each.second)},${y(each.top1)}`)).join("");
  root.append(svg("path", { d: steps, fill: "none", stroke: "var(--compound)", "stroke-width": 2 }));
  for (const each of best.filter((one) => one.sd !== null))
    root.append(svg("path", { d: `M${x(each.second)},${y(each.top1 + each.sd)}V${y(each.top1 - each.sd)}`, stroke: "var(--compound)", "stroke-width": 1.5 }));
  const rank = (each) => 2 * each.on_front + each.compared;
  root.append(...[...WEIGHED].sort((a, b) => rank(a) - rank(b)).map((each) => mark(x(each.second), y(each.top1), each.on_front ? "P" : "o", each.on_front ? 7 : 5, weighedLook(each), each)));
  return root;
}
function weighedLook(each) {
  if (each.on_front) return { fill: "var(--compound)", stroke: "var(--ink)", "stroke-width": 0.8 };
  return { fill: each.compared ? "var(--soft)" : "var(--ground)", stroke: "var(--soft)", "stroke-width": 1.2 };
}
function paretoKeys() {
  return [["on the front", { on_front: true }, "P"], ["another is no worse in both", { compared: true }, "o"], ["of a lower rung, not compared", {}, "o"]]
    .map(([words, each, marker]) => ({ words, marker, ...weighedLook(each) }));
}
function paretoRows() {
  return WEIGHED.map(({ network, alpha, beta, gamma, px, second, top1, sd, n, epochs, compared, on_front }) =>
    ({ network, alpha, beta, gamma, px, [DATA.second]: second, validation_top1_percent: top1, sd_points: sd, n, epochs, compared, on_front }));
}
/* Keys that say what markers mean, where no button does. */
function still(keys) {
  return html("div", { class: "tools keys", role: "group", "aria-label": "Legend" }, ...keys.map(({ words, marker, dash, ...look }) =>
    html("span", {}, svg("svg", { viewBox: "0 0 34 14", width: 34, height: 14, "aria-hidden": "true" },
      dash ? svg("path", { d: "M0,7H34", stroke: look.fill, "stroke-width": 2, "stroke-dasharray": dashes(dash) }) : null,
      svg("path", { d: outline(marker, 5), transform: "translate(17,7)", ...look })), ` ${words}`)));
}
