/* What the report's frames hold, and what the reader has chosen. */

const DATA = JSON.parse(document.querySelector("#data").textContent);
const state = { cost: DATA.costs[0]?.name, log: true, seeds: false, hidden: new Set(), measure: "validation_top1",
  phi: Math.max(0, ...DATA.networks.map((network) => network.phi)), colour: "top1", rungs: new Set(), chosen: null };
try {
  const before = JSON.parse(sessionStorage.getItem(`scaling-search ${DATA.title}`) ?? "{}");
  Object.assign(state, before, { hidden: new Set(before.hidden), rungs: new Set(before.rungs) });
} catch { /* nothing was kept */ }
const PAPER = { "--ground": DATA.ground.light, "--ink": DATA.ink.light, "--soft": "#4a4a4a", "--grid": "#e4e4e4",
  "--compound": DATA.methods.find((method) => method.name === "compound")?.light ?? "#d55e00",
  ...Object.fromEntries(DATA.methods.map((method, i) => [`--m${i}`, method.light])) };
