const Aligned = (() => {
  "use strict";

  const isEntity = (unit) => unit.kind === "entity";
  const place = (unit, table) => `${isEntity(unit)}/${table.start[unit.positions[0]]}/${table.end[unit.positions.at(-1)]}`;

  /** Pairs of units with the same characters of one text. */
  function byPlace(a, b, one, two) {
    const found = new Map(b.filter((unit) => two.start[unit.positions[0]] >= 0).map((unit) => [place(unit, two), unit]));
    return a.filter((unit) => one.start[unit.positions[0]] >= 0 && found.has(place(unit, one))).map((unit) => [unit, found.get(place(unit, one))]);
  }

  /** Pairs of equal words of two texts in the same order: the longest such list. */
  function byOrder(a, b) {
    const same = (first, second) => isEntity(first) === isEntity(second) && first.label === second.label;
    const longest = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
    for (let i = a.length - 1; i >= 0; i--) {
      for (let j = b.length - 1; j >= 0; j--) {
        longest[i][j] = same(a[i], b[j]) ? longest[i + 1][j + 1] + 1 : Math.max(longest[i + 1][j], longest[i][j + 1]);
      }
    }
    const pairs = [];
    for (let [i, j] = [0, 0]; i < a.length && j < b.length;) {
      if (same(a[i], b[j])) pairs.push([a[i++], b[j++]]);
      else if (longest[i + 1][j] >= longest[i][j + 1]) i += 1;
      else j += 1;
    }
    return pairs;
  }

  /**
   * Units of one side of two examples that mean the same: the tokens themselves where both have the same, else words with the
   * same place in the text, or equal words of two texts. options: as of `Tokens.units`, and admits(side, unit): which of the first
   * example are wanted. Returns {first: units, second: units, same: whether both have the same tokens}.
   */
  function side(first, second, classes, options, name) {
    const [one, two] = [Tokens.table(first, name), Tokens.table(second, name)];
    const make = (example, merge) => Tokens.units(example, name, classes, { ...options, merge });
    const same = JSON.stringify([one.text, one.class]) === JSON.stringify([two.text, two.class]);
    const [a, b] = [make(first, options.merge || !same), make(second, options.merge || !same)];
    const found = same ? a.map((unit, at) => [unit, b[at]]) : first.text === second.text ? byPlace(a, b, one, two) : byOrder(a, b);
    const pairs = found.filter(([unit]) => !options.admits || options.admits(name, unit));
    return { first: pairs.map(([unit]) => unit), second: pairs.map(([, unit]) => unit), same };
  }

  /** Units that mean the same of the queries and of the keys: {queries, keys, same}, each side as {first, second}. */
  function units(first, second, classes, options) {
    const queries = side(first, second, classes, options, "queries");
    const keys = (first.keys && second.keys) || options.admits ? side(first, second, classes, options, "keys") : queries;
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
