const test = require("node:test");
const assert = require("node:assert/strict");
const { join } = require("node:path");
const Analysis = require(join(process.env.PAGE, "analysis.js"));
const Edges = require(join(process.env.PAGE, "edges.js"));
const Numbers = require(join(process.env.PAGE, "numbers.js"));

const near = (found, expected) => {
  const flat = [...found].flat();
  expected.flat().forEach((value, at) => assert.ok(Math.abs(flat[at] - value) < 1e-6, `${flat} is not ${expected}`));
  assert.equal(flat.length, expected.flat().length);
};
const layerOf = (heads, size, reach = null) => new Numbers.Layer(Uint8Array.from(heads.flat(2)), Float32Array.from({ length: 256 }, (_, i) => i / 100), heads.length, size, size, reach);

test("the smallest set that reaches the share is kept", () => {
  assert.ok(Math.abs(Edges.cut(Float32Array.from([0.5, 0.3, 0.15, 0.05]), 0.95) - 0.15) < 1e-6);
  assert.equal(Edges.cut(Float32Array.from([0, 0]), 0.95), Infinity);
  const matrix = Float32Array.from([0.5, 0.3, 0.2, 1, 0, 0]);
  const found = Edges.choose(matrix, 2, 3, { share: 0.8, least: 0, top: 0 });
  assert.deepEqual(found.map(({ query, key }) => [query, key]), [[0, 0], [0, 1], [1, 0]]);
  assert.equal(Edges.choose(matrix, 2, 3, { share: 1, least: 0.25, top: 1 }).length, 2);
  assert.deepEqual(Edges.choose(matrix, 2, 3, { share: 1, least: 0, top: 0 }).length, 4); // no line for a weight of zero
});

test("the strongest edges stay, the strongest of them last", () => {
  const edges = [{ weight: 0.1 }, { weight: 0.9 }, { weight: 0.5 }];
  assert.deepEqual(Edges.strongest(edges, 2).map((edge) => edge.weight), [0.5, 0.9]);
});

test("thumbnails keep the largest weight of each block", () => {
  near(Edges.pool(Float32Array.from([0, 0.1, 0.9, 0, 0.2, 0, 0, 0.3, 0, 0, 0, 0, 0, 0, 0, 0]), 4, 4, 2, 2), [0.2, 0.9, 0, 0]);
});

test("flow between classes has rows that sum to 1", () => {
  const matrix = Float32Array.from([0.2, 0.3, 0.5, 0.6, 0.2, 0.2, 0.1, 0.1, 0.8]);
  const groups = Analysis.halves({ class: [0, 0, 1] }, ["word", "entity"]);
  near(Analysis.flow(matrix, 3, groups, groups), [0.65, 0.35, 0.2, 0.8]);
  near(Analysis.lift(Analysis.flow(matrix, 3, groups, groups), layerOf([[]], 3), groups, groups), [0.975, 1.05, 0.3, 2.4]);
});

test("equal weights of a decoder have a lift of 1, and what no query sees has 0", () => {
  const layer = layerOf([[]], 3, [2, 0]);
  const groups = new Map([["first", [0]], ["rest", [1, 2]]]);
  const flow = Analysis.flow(Float32Array.from([1, 0, 0, 1 / 2, 1 / 2, 0, 1 / 3, 1 / 3, 1 / 3]), 3, groups, groups);
  near(Analysis.lift(flow, layer, groups, groups), [1, 0, 1, 1]);
});

test("grounding parts an entity's weight", () => {
  const example = { queries: { class: [0, 1, 1, 2, 2] }, entities: [{ row: 3, words: [1] }, { row: 4, words: [2] }] };
  const matrix = new Float32Array(25);
  matrix.set([0.1, 0.4, 0.2, 0.25, 0.05], 15);
  matrix[8] = 0.7; // the mention's word looks at its entity
  const found = Analysis.grounding(matrix, 5, example, 0, ["special", "mention", "entity"]);
  near([found.own, found.others, found.context, found.entities, found.rest, found.back], [0.4, 0.2, 0, 0.3, 0.1, 0.7]);
});

test("rollout of two layers equals the product of the mixed matrices", async () => {
  const means = { 0: Float32Array.from([1, 0, 0.5, 0.5]), 1: Float32Array.from([0.2, 0.8, 0, 1]) };
  // mixed: layer 0 [[1, 0], [0.25, 0.75]]; layer 1 [[0.6, 0.4], [0, 1]]; product of row 0: [0.6 + 0.1, 0.3]
  near(await Analysis.rollout(0, 2, [0, 1], (layer) => means[layer]), [0.7, 0.3]);
});

test("statistics of a head: an entity stands in the middle of its mention", () => {
  const example = { queries: { text: ["a", "b", "c", "E"], class: [0, 0, 0, 1] }, keys: null, entities: [{ row: 3, words: [0, 1] }] };
  const layer = layerOf([[[0, 100, 0, 0], [0, 0, 100, 0], [0, 0, 100, 0], [100, 0, 0, 0]]], 4);
  const found = Analysis.statistics(layer, 0, example, ["word", "entity"]);
  near([found.entropy, found.distance, found.largest, found.self, found.next, found.previous], [0, 2.5 / 4, 1, 0.25, 0.5, 0]);
  const even = Analysis.statistics(layerOf([[[25, 25, 25, 25], [25, 25, 25, 25], [25, 25, 25, 25], [25, 25, 25, 25]]], 4), 0, example, ["separator", "entity"]);
  near([even.entropy, even.separators, even.entities], [1, 0.75, 0.25]);
});

test("an entity is not the next token of the last word, nor the word the one before it", () => {
  const example = { queries: { text: ["a", "b", "E", "F"], class: [0, 0, 1, 1] }, keys: null, entities: [] };
  const layer = layerOf([[[0, 100, 0, 0], [0, 0, 100, 0], [0, 100, 0, 0], [0, 0, 100, 0]]], 4);
  const { self, previous, next, entities } = Analysis.statistics(layer, 0, example, ["word", "entity"]);
  near([self, previous, next, entities], [0, 0, 0.25, 0.5]);
});

test("the entropy of a decoder is relative to the tokens that a token sees; the first one has no choice", () => {
  const example = { queries: { text: ["a", "b", "c", "d"], class: [0, 0, 0, 0] }, keys: null, entities: [] };
  const even = layerOf([[[100, 0, 0, 0], [50, 50, 0, 0], [0, 0, 100, 0], [25, 25, 25, 25]]], 4, [3, 0]);
  near([Analysis.statistics(even, 0, example, ["word"]).entropy], [2 / 3]);
  const window = layerOf([[[50, 50, 0, 0], [0, 50, 50, 0], [0, 0, 50, 50], [0, 0, 50, 50]]], 4, [1, 1]);
  near([Analysis.statistics(window, 0, example, ["word"]).entropy], [(2 + (2 * Math.log(2)) / Math.log(3)) / 4]);
});

test("one token has no entropy", () => {
  const example = { queries: { text: ["a"], class: [0] }, keys: null, entities: [] };
  assert.equal(Analysis.statistics(layerOf([[[100]]], 1), 0, example, ["word"]).entropy, 0);
});

test("divergence is 0 for equal rows and 1 for rows without a common key", () => {
  const [a, b] = [Float32Array.from([1, 0]), Float32Array.from([0, 1])];
  near([Analysis.divergence(a, a, 1, 2), Analysis.divergence(a, b, 1, 2)], [0, 1]);
});

test("quartiles are interpolated", () => {
  assert.deepEqual(Analysis.spread([4, 1, 3, 2]), { least: 1, low: 1.75, middle: 2.5, high: 3.25, most: 4, mean: 2.5 });
});
