const State = (() => {
  "use strict";

  const VIEWS = ["heads", "grid", "layers", "matrix", "classes", "relevance", "statistics", "compare"];

  const numbers = {
    write: (list) => list.join(","),
    read: (text) => text.split(",").filter((part) => /^\d+$/.test(part)).map(Number),
  };
  const number = { write: String, read: (text) => (Number.isFinite(Number(text)) && text !== "" ? Number(text) : undefined) };
  const flag = { write: (on) => (on ? "1" : "0"), read: (text) => text === "1" || text === "true" };
  const word = { write: String, read: String };
  const pairs = {
    write: (list) => list.map(([from, to]) => `${from.join(",")}>${to.join(",")}`).join(";"),
    read: (text) => text.split(";").map((pair) => pair.split(">").map(numbers.read)).filter((pair) => pair.length === 2 && pair[0].length && pair[1].length),
  };
  const pins = {
    write: (list) => JSON.stringify(list),
    read: (text) => {
      const list = JSON.parse(text);
      return Array.isArray(list) ? list.filter((pin) => pin && typeof pin.note === "string" && typeof pin.at === "string") : [];
    },
  };

  /** Each part of the state: its initial value, and its form in the address. */
  const PARTS = {
    view: [VIEWS[0], word], example: [0, number], other: [-1, number], layer: [0, number],
    heads: [[], numbers], mode: ["mean", word], share: [95, number], least: [0, number], top: [0, number],
    merge: [false, flag], special: [true, flag], markers: [true, flag], punctuation: [true, flag],
    from: [[], numbers], to: [[], numbers], pairs: [[], pairs], scale: ["sqrt", word], sort: ["order", word],
    show: ["flow", word], lift: [false, flag], row: [-1, number], label: [0, number], shade: ["all", word], zoom: [1, number], gridzoom: [1, number],
    sentences: ["all", word], theme: ["auto", word], pins: [[], pins],
  };

  const CHOICES = {
    view: VIEWS, mode: ["mean", "max", "each"], scale: ["linear", "sqrt"], theme: ["auto", "light", "dark"],
    show: ["flow", "quadrants", "grounding"], sentences: ["all", "aa", "bb", "ab", "ba"], shade: ["all", "row"],
    sort: ["order", "entropy", "entities", "separators", "distance", "difference"],
  };

  /** How far the pictures can be zoomed: [smallest, largest], 1 fits the width. */
  const ZOOMS = { zoom: [0.25, 16], gridzoom: [0.5, 8] };

  /** The initial state; `given`, which comes from the data of the page, overrides it. */
  function initial(given = {}) {
    const state = Object.fromEntries(Object.entries(PARTS).map(([name, [value]]) => [name, structuredClone(value)]));
    for (const [name, value] of Object.entries(given || {})) if (name in PARTS && value !== null) state[name] = value;
    return state;
  }

  /** The state as text for the address: only what differs from `start`. */
  function write(state, start) {
    const parts = new URLSearchParams();
    for (const [name, [, form]] of Object.entries(PARTS)) {
      const text = form.write(state[name]);
      if (text !== form.write(start[name])) parts.set(name, text);
    }
    return parts.toString();
  }

  /** The state of an address's text over `start`. What cannot be read is left as it was. */
  function read(text, start) {
    const state = structuredClone(start);
    for (const [name, value] of new URLSearchParams(text.replace(/^#/, ""))) {
      if (!(name in PARTS)) continue;
      try {
        const found = PARTS[name][1].read(value);
        if (found !== undefined) state[name] = found;
      } catch {
        continue;
      }
    }
    return state;
  }

  const within = (list, count) => [...new Set(list)].filter((at) => Number.isInteger(at) && at >= 0 && at < count);
  const between = (value, low, high) => Math.min(high, Math.max(low, Number.isFinite(value) ? value : low));

  /** The state, limited to what the data has: layers and heads that were captured, positions that exist. */
  function valid(state, data) {
    const found = { ...state };
    for (const [name, choices] of Object.entries(CHOICES)) if (!choices.includes(found[name])) found[name] = PARTS[name][0];
    found.example = between(Math.round(found.example), 0, data.examples.length - 1);
    if (!data.examples[found.other] || found.other === found.example) found.other = -1;
    const example = data.examples[found.example];
    const { layers, heads, shape } = example.attention;
    if (!layers.includes(found.layer)) found.layer = layers.reduce((a, b) => (Math.abs(b - found.layer) < Math.abs(a - found.layer) ? b : a), layers[0]);
    found.heads = [...new Set(found.heads)].filter((head) => heads.includes(head));
    found.from = within(found.from, shape[2]);
    found.to = within(found.to, shape[3]);
    found.pairs = found.pairs.map(([from, to]) => [within(from, shape[2]), within(to, shape[3])]).filter(([from, to]) => from.length && to.length);
    if (!(Number.isInteger(found.row) && found.row >= 0 && found.row < shape[2])) found.row = -1;
    found.label = between(Math.round(found.label), 0, Math.max(0, (example.relevance || []).length - 1));
    found.share = between(found.share, 0, 100);
    found.least = between(found.least, 0, 1);
    found.top = between(Math.round(found.top), 0, 100000);
    for (const [name, [low, high]] of Object.entries(ZOOMS)) found[name] = between(found[name], low, high);
    return found;
  }

  /** The changes that lead to another example: what is chosen are tokens of the old one. */
  function another(example) {
    return { example, from: [], to: [], pairs: [], row: -1 };
  }

  return { VIEWS, CHOICES, ZOOMS, initial, write, read, valid, another };
})();
if (typeof module !== "undefined") module.exports = State;
