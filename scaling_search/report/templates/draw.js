/* Drawing on SVG: elements, markers, scales, ticks and numbers as text. */

const NS = document.querySelector("svg").namespaceURI;

/* An element of SVG (or of HTML, by `html`) with attributes and children. */
function svg(name, attributes = {}, ...children) {
  return filled(document.createElementNS(NS, name), attributes, children);
}
function html(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}
function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/* The outline of a marker by its name in matplotlib, about the origin. */
function outline(kind, r) {
  const ring = (corners, from, inner) => corners.map((_, i) => {
    const angle = from + (2 * Math.PI * i) / corners.length;
    const far = inner && i % 2 ? r * inner : r;
    return [far * Math.cos(angle), far * Math.sin(angle)];
  });
  const closed = (points) => `M${points.map(([x, y]) => `${x.toFixed(2)},${y.toFixed(2)}`).join("L")}Z`;
  const up = -Math.PI / 2, n = (count) => Array(count).fill(0), third = r * 0.38;
  const cross = [[-third, -r], [third, -r], [third, -third], [r, -third], [r, third], [third, third],
    [third, r], [-third, r], [-third, third], [-r, third], [-r, -third], [-third, -third]];
  const turned = cross.map(([x, y]) => [(x - y) * Math.SQRT1_2, (x + y) * Math.SQRT1_2]);
  switch (kind) {
    case "s": return closed([[-r, -r], [r, -r], [r, r], [-r, r]].map(([x, y]) => [x * 0.86, y * 0.86]));
    case "D": return closed(ring(n(4), up));
    case "^": return closed(ring(n(3), up));
    case "v": return closed(ring(n(3), -up));
    case "<": return closed(ring(n(3), Math.PI));
    case ">": return closed(ring(n(3), 0));
    case "p": return closed(ring(n(5), up));
    case "h": return closed(ring(n(6), up));
    case "*": return closed(ring(n(10), up, 0.42));
    case "P": return closed(cross);
    case "X": return closed(turned);
    default: return `M${-r},0a${r},${r} 0 1 0 ${2 * r},0a${r},${r} 0 1 0 ${-2 * r},0Z`;
  }
}

/* A function from [low, high] to [from, to], linear or in the logarithm. */
function scale(low, high, from, to, log) {
  const at = log ? Math.log : (value) => value;
  const span = at(high) - at(low) || 1;
  return (value) => from + ((at(value) - at(low)) / span) * (to - from);
}

/* The extent of some numbers with a margin at both ends, so that no mark lies on the frame. */
function extent(values, log, margin = 0.06) {
  let low = Math.min(...values), high = Math.max(...values);
  if (log) {
    const more = Math.exp(margin * Math.log(high / low || 1)) * (low === high ? 1.3 : 1);
    return [low / more, high * more];
  }
  const more = margin * (high - low) || Math.abs(high) * 0.05 || 1;
  return [low - more, high + more];
}

/* At most about `most` round numbers within [low, high]. */
function ticks(low, high, most) {
  const rough = (high - low) / most, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].find((each) => each * power >= rough) * power;
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high * (1 + 1e-12); i++) found.push(+(i * step).toPrecision(10));
  return found;
}
function logTicks(low, high, most) {
  const choices = [
    [1, 1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9], [1, 1.5, 2, 3, 4, 5, 7], [1, 2, 5], [1]];
  const within = (steps) => {
    const found = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++)
      for (const step of steps) {
        const value = step * 10 ** power;
        if (value >= low && value <= high) found.push(+value.toPrecision(6));
      }
    return found;
  };
  return choices.map(within).find((each) => each.length <= most) ?? within([1]);
}

/* A count or size in thousands, millions or billions; a time as it is. */
function amount(value, unit, digits = 3) {
  if (value === null) return "–";
  if (unit === "ms" || unit === "s") return `${+value.toPrecision(digits)} ${unit}`;
  for (const [factor, prefix] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]])
    if (value >= factor * 0.9999) return `${+(value / factor).toPrecision(digits)} ${prefix}${unit}`;
  return `${+value.toPrecision(digits)}${unit ? ` ${unit}` : ""}`;
}
function fixed(value, digits = 2) {
  return value === null || value === undefined ? "–" : value.toFixed(digits);
}

/* The colour of a share of 1 on matplotlib's viridis. */
const VIRIDIS = ["440154", "482878", "3e4a89", "31688e", "26828e", "1f9e89", "35b779", "6ece58", "b5de2b", "fde725"]
  .map((hex) => [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16)));
function viridis(share) {
  const at = Math.min(Math.max(share, 0), 1) * (VIRIDIS.length - 1), low = Math.min(Math.floor(at), VIRIDIS.length - 2);
  const mixed = VIRIDIS[low].map((value, i) => Math.round(value + (at - low) * (VIRIDIS[low + 1][i] - value)));
  return `rgb(${mixed.join(",")})`;
}

/* A frame with both axes, grid, ticks and names; returns the scales. */
function frame(root, box, x, y) {
  const [left, top, right, bottom] = box;
  const atX = scale(x.low, x.high, left, right, x.log), atY = scale(y.low, y.high, bottom, top, false);
  const textOf = x.text ?? String;
  const xs = x.log ? logTicks(x.low, x.high, Math.max(3, (right - left) / 62)) : ticks(x.low, x.high, Math.max(3, (right - left) / 70));
  for (const value of xs.filter((each) => !x.whole || Number.isInteger(each))) {
    root.append(svg("line", { x1: atX(value), x2: atX(value), y1: top, y2: bottom, stroke: "var(--grid)" }),
      svg("text", { x: atX(value), y: bottom + 17, "text-anchor": "middle" }, textOf(value)));
  }
  for (const value of ticks(y.low, y.high, Math.max(3, (bottom - top) / 52))) {
    root.append(svg("line", { x1: left, x2: right, y1: atY(value), y2: atY(value), stroke: "var(--grid)" }),
      svg("text", { x: left - 8, y: atY(value) + 4, "text-anchor": "end" }, String(value)));
  }
  root.append(svg("path", { d: `M${left},${top}V${bottom}H${right}`, fill: "none", stroke: "var(--soft)" }));
  root.append(svg("text", { x: (left + right) / 2, y: bottom + 38, "text-anchor": "middle" }, x.label));
  root.append(svg("text", { x: 14, y: (top + bottom) / 2, "text-anchor": "middle", transform: `rotate(-90 14 ${(top + bottom) / 2})` }, y.label));
  return [atX, atY];
}
