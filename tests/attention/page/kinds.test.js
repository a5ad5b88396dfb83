const test = require("node:test");
const assert = require("node:assert/strict");
const { join } = require("node:path");
global.Tokens = require(join(process.env.PAGE, "tokens.js"));
const Kinds = require(join(process.env.PAGE, "kinds.js"));
const Analysis = require(join(process.env.PAGE, "analysis.js"));

const one = (id, kind, text, model = 0) => ({ id, kind, text, model });
const models = [{ name: "a" }, { name: "a" }, { name: "b" }]; // encoder and decoder of "a" have different numbers of layers

test("the kinds of attention of one text are one entry, in the order encoder, decoder, cross", () => {
  const data = { models, examples: [one("1", "cross", "to", 1), one("1", "encoder", "from"), one("1", "decoder", "to", 1), one("1", "encoder", "from", 2), one("2", "encoder", "x", 2), one("2", "encoder", "y", 2)] };
  const groups = Kinds.groups(data);
  assert.deepEqual(groups.map((group) => [...group]), [[["encoder", 1], ["decoder", 2], ["cross", 0]], [["encoder", 3]], [["encoder", 4]], [["encoder", 5]]]);
  assert.equal(Kinds.groupOf(data, 2), groups[0]);
  assert.deepEqual([Kinds.firstOf(data), Kinds.member(groups[0], "decoder"), Kinds.member(groups[1], "cross")], [0, 2, 3]);
  assert.equal(Kinds.text(data, groups[0]), "from → to");
  assert.equal(Kinds.text(data, groups[1]), "from");
});

test("examples of an encoder alone are entries of their own, also with one id", () => {
  const data = { models, examples: [one("1", "self", "x"), one("1", "self", "y")] };
  assert.deepEqual(Kinds.groups(data).map((group) => [...group.values()]), [[0], [1]]);
  assert.equal(Kinds.firstOf(data), 0);
});

test("rollout through encoder and decoder equals the products of the matrices", async () => {
  const means = { encoder: Float32Array.from([0, 1, 0.5, 0.5]), decoder: Float32Array.from([1, 0, 0.4, 0.6]), cross: Float32Array.from([1, 0, 0.2, 0.8]) };
  const found = await Analysis.crossRollout(1, { decoder: 2, encoder: 2 }, { decoder: [3], encoder: [0] }, (kind) => means[kind]);
  // half of token 1 comes from the cross-attention: 0.5 * [0.2, 0.8] of the encoder's states, whose mixed rows are [0.5, 0.5] and [0.25, 0.75];
  // the other half from the decoder: 0.5 * [0.2, 0.8]
  const expected = { encoder: [0.1 * 0.5 + 0.4 * 0.25, 0.1 * 0.5 + 0.4 * 0.75], decoder: [0.1, 0.4] };
  for (const side of ["encoder", "decoder"]) found[side].forEach((value, at) => assert.ok(Math.abs(value - expected[side][at]) < 1e-6, `${side} ${found[side]}`));
});

test("cross-attention has no distance and no share on itself; texts without entities have no share on them", () => {
  const classes = ["word", "entity"];
  assert.deepEqual(Analysis.sensible({ queries: { class: [0] }, keys: { class: [0] } }, classes), ["entropy", "largest", "separators"]);
  assert.ok(!Analysis.sensible({ queries: { class: [0] }, keys: null }, classes).includes("entities"));
  assert.ok(Analysis.sensible({ queries: { class: [0, 1] }, keys: null }, classes).includes("entities"));
});

test("models are named by what tells them apart", () => {
  const names = (...list) => Kinds.modelNames({ models: list.map((name) => ({ name })) });
  assert.deepEqual(names("/runs/starts/words-0/model", "/runs/starts/types-0/model"), ["words-0", "types-0"]);
  assert.deepEqual(names("/runs/a/model", "/runs/a/model"), ["/runs/a/model", "/runs/a/model"]);
  assert.deepEqual(names("minilm", "/runs/a/model"), ["minilm", "/runs/a/model"]);
  assert.deepEqual(names("runs/a", "runs/a/b"), ["a", "a/b"]);
  assert.deepEqual(names("runs/a"), ["runs/a"]);
});
