const test = require("node:test");
const assert = require("node:assert/strict");
const { join } = require("node:path");
global.Tokens = require(join(process.env.PAGE, "tokens.js"));
const Aligned = require(join(process.env.PAGE, "aligned.js"));

const CLASSES = ["special", "word", "entity"];
/** An example of words with a blank between them; tokens: [text, number of its word]. */
function example(text, tokens, entities = []) {
  let at = 0;
  const places = tokens.map(([name]) => { const start = text.indexOf(name, at); at = start + name.length; return [start, at]; });
  const names = tokens.map(([name]) => name);
  const table = { text: names, raw: names, class: names.map(() => 1), start: places.map(([start]) => start), end: places.map(([, end]) => end), word: tokens.map(([, word]) => word) };
  return { text, queries: table, keys: null, entities };
}
const labels = (side) => [side.first, side.second].map((units) => units.map(({ label }) => label));

test("other pieces of one text are paired as words", () => {
  const first = example("unhappy cats", [["un", 0], ["happy", 0], ["cats", 1]]);
  const second = example("unhappy cats", [["unhappy", 0], ["cat", 1], ["s", 1]]);
  const { queries, keys, same } = Aligned.units(first, second, CLASSES, { merge: false });
  assert.deepEqual(labels(queries), [["unhappy", "cats"], ["unhappy", "cats"]]);
  assert.deepEqual([same, labels(keys)], [false, labels(queries)]);
});

test("the same tokens stay pieces", () => {
  const one = example("unhappy", [["un", 0], ["happy", 0]]);
  const { queries, same } = Aligned.units(one, example("unhappy", [["un", 0], ["happy", 0]]), CLASSES, { merge: false });
  assert.deepEqual([same, labels(queries)[0]], [true, ["un", "happy"]]);
});

test("two texts are paired by equal words in the same order, not by their places", () => {
  const first = example("Ann met Bob and Eva", [["Ann", 0], ["met", 1], ["Bob", 2], ["and", 3], ["Eva", 4]]);
  const second = example("Tom and Eva met Bob", [["Tom", 0], ["and", 1], ["Eva", 2], ["met", 3], ["Bob", 4]]);
  const found = labels(Aligned.units(first, second, CLASSES, { merge: false }).queries);
  assert.deepEqual(found[0], found[1]);
  assert.equal(found[0].length, 2);
});

test("only the wanted units of each side are kept", () => {
  const one = example("a b c", [["a", 0], ["b", 1], ["c", 2]]);
  const admits = (side, unit) => (unit.positions[0] > 0) === (side === "keys");
  const { queries, keys } = Aligned.units(one, one, CLASSES, { merge: false, admits });
  assert.deepEqual([labels(queries), labels(keys)], [[["a"], ["a"]], [["b", "c"], ["b", "c"]]]);
});

test("layers stand at the same relative depth", () => {
  assert.deepEqual([0, 1, 2, 3].map((layer) => Aligned.layerOf(layer, [0, 1, 2, 3], [0, 1, 2, 3, 4, 5, 6, 7])), [0, 2, 5, 7]);
  assert.equal(Aligned.layerOf(3, [3, 4], [3, 4]), 3);
});
