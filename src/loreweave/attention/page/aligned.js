const Aligned = (() => {
  "use strict";

  const key = (unit, table) => `${unit.kind === "entity" ? "entity" : "text"}/${table.start[unit.positions[0]]}/${table.end[unit.positions.at(-1)]}`;

  /**
   * Units of one side of two examples that mean the same: the tokens themselves where both have the same, else words with the
   * same place in the text. Returns {first: units, second: units, same: whether nothing was left out}.
   */
  function side(first, second, classes, options, name) {
    const [one, two] = [Tokens.table(first, name), Tokens.table(second, name)];
    const make = (example, merge) => Tokens.units(example, name, classes, { ...options, merge });
    if (JSON.stringify([one.text, one.class]) === JSON.stringify([two.text, two.class])) return { first: make(first, options.merge), second: make(second, options.merge), same: true };
    const [a, b] = [make(first, true), make(second, true)];
    const found = new Map(b.filter((unit) => two.start[unit.positions[0]] >= 0).map((unit) => [key(unit, two), unit]));
    const pairs = a.filter((unit) => one.start[unit.positions[0]] >= 0 && found.has(key(unit, one))).map((unit) => [unit, found.get(key(unit, one))]);
    return { first: pairs.map(([unit]) => unit), second: pairs.map(([, unit]) => unit), same: pairs.length === a.length && pairs.length === b.length };
  }

  /** Units that mean the same of the queries and of the keys: {queries, keys, same}, each side as {first, second}. */
  function units(first, second, classes, options) {
    const queries = side(first, second, classes, options, "queries");
    const keys = first.keys && second.keys ? side(first, second, classes, options, "keys") : queries;
    return { queries, keys, same: queries.same && keys.same };
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
