const Aligned = (() => {
  "use strict";

  const key = (unit, table) => `${unit.kind === "entity" ? "entity" : "text"}/${table.start[unit.positions[0]]}/${table.end[unit.positions.at(-1)]}`;

  /**
   * Units of two examples that mean the same: the tokens themselves where both have the same, else words with the same place in the text.
   * Returns {first: units, second: units, same: whether nothing was left out}.
   */
  function units(first, second, classes, options) {
    const make = (example, merge) => Tokens.units(example, "queries", classes, { ...options, merge });
    const equal = JSON.stringify([first.queries.text, first.queries.class]) === JSON.stringify([second.queries.text, second.queries.class]);
    if (equal) return { first: make(first, options.merge), second: make(second, options.merge), same: true };
    const [a, b] = [make(first, true), make(second, true)];
    const found = new Map(b.filter((unit) => second.queries.start[unit.positions[0]] >= 0).map((unit) => [key(unit, second.queries), unit]));
    const pairs = a.filter((unit) => first.queries.start[unit.positions[0]] >= 0 && found.has(key(unit, first.queries))).map((unit) => [unit, found.get(key(unit, first.queries))]);
    return { first: pairs.map(([unit]) => unit), second: pairs.map(([, unit]) => unit), same: pairs.length === a.length && pairs.length === b.length };
  }

  /** The layer at the same relative depth in another model; all indices are those of the models. */
  function layerOf(layer, from, to) {
    if (to.includes(layer) && from.length === to.length) return layer;
    const share = from.length > 1 ? from.indexOf(layer) / (from.length - 1) : 1;
    return to[Math.round(share * (to.length - 1))];
  }

  return { units, layerOf };
})();
if (typeof module !== "undefined") module.exports = Aligned;
