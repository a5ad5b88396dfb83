const test = require("node:test");
const assert = require("node:assert/strict");
const { join } = require("node:path");
const State = require(join(process.env.PAGE, "state.js"));

const start = State.initial({ layer: 3 });
const DATA = { examples: [{ attention: { layers: [0, 3, 6], heads: [0, 2], shape: [3, 2, 5, 4] } }] };

test("what differs from the start stands in the address, and comes back", () => {
  assert.equal(State.write(start, start), "");
  const state = { ...start, view: "matrix", heads: [0, 2], from: [1], pairs: [[[1, 2], [3]], [[0], [0]]], merge: true, least: 0.05, pins: [{ note: "a=b&c;#é", at: "view=grid" }] };
  assert.deepEqual(State.read(`#${State.write(state, start)}`, start), state);
});

test("an address that makes no sense is left out", () => {
  const found = State.read("#view=nothing&layer=x&pins=%7B&nonsense=1&__proto__=1&heads=1,b,2", start);
  assert.equal(found.layer, 3);
  assert.deepEqual(found.pins, []);
  assert.deepEqual(found.heads, [1, 2]);
  assert.equal(State.valid(found, DATA).view, "heads");
});

test("everything is within the data", () => {
  const found = State.valid({ ...start, example: 9, layer: 5, heads: [1, 2], from: [4, 9], to: [4, 1], pairs: [[[9], [0]], [[4], [3]]], share: 900, zoom: NaN, row: 77 }, DATA);
  assert.deepEqual([found.example, found.layer, found.heads, found.from, found.to, found.pairs, found.share, found.zoom, found.row], [0, 6, [2], [4], [1], [[[4], [3]]], 100, 0.25, -1]);
});
