/* The three figures: each takes a width in pixels and returns an SVG; `marks` become selectable. */

const METHOD = new Map(DATA.methods.map((method, i) => [method.name, { ...method, colour: `var(--m${i})` }]));
const shown = (network) => !state.hidden.has(network.method);
const done = DATA.networks.filter((network) => network.n > 0);

function canvas(width, height, label) {
  const root = svg("svg", { class: "figure", viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": label,
    "font-family": "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif", "font-size": 12, fill: "var(--ink)" });
  root.append(svg("rect", { width, height, fill: "var(--ground)" }));
  return root;
}

/* The figure with a legend below it, as it is taken along: on the page, buttons are the legend. */
function withLegend(root, keys) {
  const [width, height] = [root, root].map((each, i) => Number(each.getAttribute(i ? "height" : "width")));
  let x = 58, row = 0;
  for (const { words, marker, dash, ...look } of keys) {
    const room = 50 + 7 * words.length;
    if (x + room > width && x > 58) { x = 58; row += 1; }
    const y = height + 14 + 22 * row;
    if (dash) root.append(svg("path", { d: `M${x},${y}h34`, stroke: look.fill, "stroke-width": 2, "stroke-dasharray": dashes(dash) }));
    root.append(svg("path", { d: outline(marker, 5), transform: `translate(${x + 17},${y})`, ...look }), svg("text", { x: x + 42, y: y + 4 }, words));
    x += room + 12;
  }
  const tall = height + 22 * (row + 1) + 8;
  root.setAttribute("height", tall);
  root.setAttribute("viewBox", `0 0 ${width} ${tall}`);
  root.firstChild.setAttribute("height", tall);
  return root;
}
function methodKeys() {
  return [...METHOD.values()].filter((look) => !state.hidden.has(look.name)).map((look) =>
    ({ words: look.words, marker: look.marker, dash: look.name === "base" ? null : look.dash, fill: look.colour }));
}
function candidateKeys() {
  const rungs = RUNGS.filter((rung) => !state.rungs.has(rung)).map((rung) => ({ words: `rung ${rung + 1}`, marker: rungMarker(rung), fill: "var(--soft)" }));
  return [...rungs, { words: "the best", marker: "o", fill: "var(--ground)", stroke: "var(--ink)", "stroke-width": 3 },
    { words: "can't be told from the best", marker: "o", fill: "var(--ground)", stroke: "var(--compound)", "stroke-width": 2.4 }];
}
function dashes(dash) { return dash.map((part) => 1.5 * part).join(" ") || null; }
function rungMarker(rung) { return RUNG_MARKERS[Math.min(rung, RUNG_MARKERS.length - 1)]; }

/* A mark that can be hovered, focused and chosen: `what` is its network or candidate. */
function mark(x, y, kind, r, look, what) {
  const chosen = state.chosen === what.key ? " chosen" : "";
  const group = svg("g", { class: `mark${chosen}`, transform: `translate(${x.toFixed(2)},${y.toFixed(2)})`,
    role: "button", tabindex: -1, "data-key": what.key, "aria-pressed": String(Boolean(chosen)), "aria-label": describe(what).join(", ") });
  group.append(svg("circle", { class: "halo", r: r + 6, fill: "none", stroke: "var(--ink)", "stroke-width": 2, opacity: chosen ? null : 0 }),
    svg("path", { d: outline(kind, r), ...look }), svg("circle", { r: Math.max(r, 11), fill: "transparent" }));
  return group;
}

/* What hovering says, a line each. */
function describe(what) {
  if (what.key.startsWith("gate ")) return describeGate(what);
  return what.key.startsWith("candidate ") ? describeCandidate(what) : describeNetwork(what);
}
function title(what) {
  if (what.key.startsWith("gate ")) return what.method === "base" ? METHOD.get("base").words : `${METHOD.get(what.method).words}, before the search`;
  if (what.key.startsWith("candidate ")) return `candidate ${what.network}`;
  return what.method === "base" ? METHOD.get("base").words : `${METHOD.get(what.method).words}, φ = ${+what.phi.toPrecision(4)}`;
}
function describeNetwork(network) {
  const ends = network.low === null ? "single run" : `95 %: ${fixed(network.low)} to ${fixed(network.high)}, n = ${network.n}`;
  return [
    title(network),
    `α^φ ${fixed(network.depth)}, β^φ ${fixed(network.width)}, γ^φ ${fixed(network.resolution)}, side ${network.px} px`,
    `${amount(network.costs.macs, "")} MACs, ${fixed(network.growth)} × the base's cost`,
    `test top-1 ${fixed(network.top1)} % (${ends})`,
  ];
}
function describeCandidate(candidate) {
  const sd = candidate.sd === null ? "" : ` ± ${fixed(candidate.sd)}`;
  const standing = candidate.best ? "the best" : candidate.tie ? "can't be told from the best" : null;
  return [
    title(candidate),
    `α ${fixed(candidate.alpha, 3)}, β ${fixed(candidate.beta, 3)}, γ ${fixed(candidate.gamma, 3)}, side ${candidate.px} px`,
    `${amount(candidate.macs, "")} MACs, ${fixed(candidate.growth)} × the base's cost`,
    candidate.status === "finished"
      ? `validation top-1 ${fixed(candidate.top1)}${sd} % (n = ${candidate.n}, ${candidate.epochs} ${candidate.epochs === 1 ? "epoch" : "epochs"})` : candidate.status,
    candidate.p_best === null ? null : `P(best) ${fixed(candidate.p_best)}`,
    standing,
  ].filter(Boolean);
}

function costOf(name) { return DATA.costs.find((cost) => cost.name === name) ?? DATA.costs[0]; }

/* Test top-1 against one cost: a line a method from the base on, 95 % intervals, single trainings on demand. */
function accuracy(width) {
  const cost = costOf(state.cost), height = Math.round(Math.min(460, Math.max(340, width * 0.6)));
  const at = (network) => network.costs[cost.name], visible = done.filter(shown);
  const root = canvas(width, height, `Test top-1 against ${cost.label}`), box = [58, 14, width - 16, height - 52];
  if (!visible.length) return root;
  const scores = visible.flatMap((network) => [network.top1, network.low ?? network.top1, network.high ?? network.top1,
    ...(state.seeds ? network.trainings.map((each) => each.top1).filter((each) => each !== null) : [])]);
  const [low, high] = extent(visible.map(at), state.log), [least, most] = extent(scores, false);
  const [x, y] = frame(root, box, { low, high, log: state.log, label: cost.label, text: (value) => amount(value, cost.unit) },
    { low: least, high: most, label: "test top-1 (%)" });
  const base = visible.filter((network) => network.method === "base"), marks = [];
  for (const [name, look] of METHOD) {
    const line = visible.filter((network) => network.method === name);
    const path = [...base, ...line].map((network) => `${x(at(network)).toFixed(2)},${y(network.top1).toFixed(2)}`);
    if (name !== "base" && line.length && path.length > 1)
      root.append(svg("path", { d: `M${path.join("L")}`, fill: "none", stroke: look.colour, "stroke-width": 2, "stroke-dasharray": dashes(look.dash) }));
    for (const network of line) {
      const px = x(at(network));
      if (state.seeds) for (const each of network.trainings.filter((one) => one.top1 !== null))
        root.append(svg("circle", { cx: px, cy: y(each.top1), r: 3, fill: look.colour, "fill-opacity": 0.45 }));
      if (network.low !== null) {
        const [top, bottom] = [y(network.high), y(network.low)];
        root.append(svg("path", { d: `M${px},${top}V${bottom}M${px - 4},${top}h8M${px - 4},${bottom}h8`, stroke: look.colour, "stroke-width": 1.5, fill: "none" }));
      }
      marks.push(mark(px, y(network.top1), look.marker, 6, { fill: look.colour, stroke: "var(--ink)", "stroke-width": 0.8 }, network));
    }
  }
  root.append(...marks);
  return root;
}

const MEASURES = { validation_top1: "validation top-1 (%)", validation_loss: "validation loss", train_loss: "training loss" };
const PHIS = [...new Set(done.filter((network) => network.method !== "base").map((network) => network.phi))].sort((a, b) => a - b);

/* One measure by epoch at one φ, a line a method, the base in each; single trainings on demand. */
function curves(width) {
  const phi = PHIS.includes(state.phi) ? state.phi : PHIS.at(-1);
  const wanted = done.filter((network) => shown(network) && network.curves?.[state.measure] && (network.method === "base" || network.phi === phi));
  return curvesOf(width, Math.round(Math.min(420, Math.max(320, width * 0.5))), wanted.map((what) => [what, METHOD.get(what.method)]), state.measure, state.seeds);
}
function curvesOf(width, height, lines, measure, seeds) {
  const root = canvas(width, height, `${MEASURES[measure]} by epoch`), box = [58, 14, width - 16, height - 52];
  const values = lines.flatMap(([what]) => [...what.curves[measure].mean, ...(seeds ? Object.values(what.curves[measure].seeds).flat() : [])]).filter((value) => value !== null);
  if (!values.length) return root;
  const epochs = lines.flatMap(([what]) => what.curves.epochs), [low, high] = extent(values, false);
  const [x, y] = frame(root, box, { low: Math.min(...epochs) - 0.3, high: Math.max(...epochs) + 0.3, label: "epoch", whole: true }, { low, high, label: MEASURES[measure] });
  const marks = [];
  for (const [what, look] of lines) {
    const points = (values) => what.curves.epochs.map((epoch, i) => [epoch, values[i]]).filter(([, value]) => value !== null).map(([epoch, value]) => [x(epoch), y(value)]);
    const path = (values) => `M${points(values).map(([px, py]) => `${px.toFixed(2)},${py.toFixed(2)}`).join("L")}`;
    const stroke = { fill: "none", stroke: look.colour, "stroke-dasharray": dashes(look.dash) };
    if (seeds) for (const each of Object.values(what.curves[measure].seeds)) root.append(svg("path", { d: path(each), ...stroke, "stroke-opacity": 0.4, "stroke-width": 1 }));
    root.append(svg("path", { d: path(what.curves[measure].mean), ...stroke, "stroke-width": 2 }));
    const means = points(what.curves[measure].mean), every = Math.max(1, Math.floor(means.length / 10));
    for (const [px, py] of means.filter((_, i) => i % every === 0 && i < means.length - 1))
      root.append(svg("path", { d: outline(look.marker, 3.6), transform: `translate(${px},${py})`, fill: look.colour }));
    const [px, py] = means.at(-1);
    marks.push(mark(px, py, look.marker, 5.5, { fill: look.colour, stroke: "var(--ink)", "stroke-width": 0.8 }, what));
  }
  root.append(...marks);
  return root;
}

const RUNG_MARKERS = ["o", "s", "D", "^", "v"];
const RUNGS = [...new Set(DATA.candidates.map((candidate) => candidate.rung))].sort((a, b) => a - b);
const CORNERS = [[0, 0], [1, 0], [0.5, Math.sqrt(3) / 2]];
const COLOURS = { top1: "validation top-1 (%)", p_best: "P(best)" };

/* Each candidate by how it shares the growth between depth, width and resolution. */
function landscape(width) {
  const height = Math.round(Math.min(560, width * 0.82 + 60)), room = { left: 62, top: 34, bottom: 62, right: 84 };
  const side = Math.min(width - room.left - room.right, (height - room.top - room.bottom) / CORNERS[2][1]);
  const from = room.left + (width - room.left - room.right - side) / 2, floor = room.top + side * CORNERS[2][1];
  const place = (shares) => [0, 1].map((axis) => shares.reduce((sum, share, i) => sum + share * CORNERS[i][axis], 0)).map((value, axis) => (axis ? floor - side * value : from + side * value));
  const root = canvas(width, height, "Search landscape: candidates by their shares of growth");
  const corners = [place([1, 0, 0]), place([0, 1, 0]), place([0, 0, 1])];
  root.append(svg("path", { d: `M${corners.join("L")}Z`, fill: "none", stroke: "var(--soft)" }));
  for (const share of [0.25, 0.5, 0.75]) for (let corner = 0; corner < 3; corner++) {
    const shares = (other) => { const each = [0, 0, 0]; each[corner] = share; each[other] = 1 - share; return each; };
    const [start, end] = [place(shares((corner + 2) % 3)), place(shares((corner + 1) % 3))];
    const out = [[-20, 3], [0, 16], [20, 3]][corner];
    root.append(svg("path", { d: `M${start}L${end}`, stroke: "var(--grid)" }),
      svg("text", { x: start[0] + out[0], y: start[1] + out[1], "text-anchor": "middle", "font-size": 10, fill: "var(--soft)" }, `${100 * share} %`));
  }
  const small = width < 480;
  [["all to depth", corners[0], 0, 34], ["all to width", corners[1], 0, 34], ["all to resolution", corners[2], 0, -12]].forEach(([text, [x, y], dx, dy]) =>
    root.append(svg("text", { x: x + dx, y: y + dy, "text-anchor": "middle", "font-weight": 600, "font-size": small ? 11 : 12 }, text)));
  const visible = DATA.candidates.filter((each) => each.top1 !== null && !state.rungs.has(each.rung) && each[state.colour] !== null);
  if (!visible.length) return root;
  const values = visible.map((each) => each[state.colour]), [low, high] = [Math.min(...values), Math.max(...values)];
  const share = (value) => (high > low ? (value - low) / (high - low) : 1);
  const above = (each) => 4 * each.rung + 2 * each.best + each.tie;
  const sorted = [...visible].sort((a, b) => above(a) - above(b) || a[state.colour] - b[state.colour]);
  root.append(...sorted.map((each) => {
    const edge = each.best ? ["var(--ink)", 3] : each.tie ? ["var(--compound)", 2.4] : ["var(--ground)", 0.8];
    const [x, y] = place(each.shares), kind = rungMarker(each.rung);
    return mark(x, y, kind, 6.5, { fill: viridis(share(each[state.colour])), stroke: edge[0], "stroke-width": edge[1] }, each);
  }));
  colourBar(root, width - 62, room.top + 20, floor - 20, low, high);
  return root;
}
function colourBar(root, x, top, bottom, low, high) {
  const steps = 40, part = (bottom - top) / steps;
  for (let i = 0; i < steps; i++) root.append(svg("rect", { x, y: bottom - (i + 1) * part, width: 12, height: part + 0.5, fill: viridis((i + 0.5) / steps) }));
  for (const value of high > low ? ticks(low, high, 6) : [high])
    root.append(svg("text", { x: x + 17, y: (high > low ? bottom - ((value - low) / (high - low)) * (bottom - top) : top) + 4, "font-size": 11 }, String(+value.toPrecision(4))));
  root.append(svg("text", { x: x + 40, y: top - 14, "text-anchor": "end", "font-size": 11 }, COLOURS[state.colour]));
}
