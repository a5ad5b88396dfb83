const test = require("node:test");
const assert = require("node:assert/strict");
const { join } = require("node:path");
const RelevanceView = require(join(process.env.PAGE, "view_relevance.js"));

/** A view of tokens of these classes, whose relevance has these sums of rows. */
function view(kinds, sums, state = {}) {
  const size = kinds.length;
  const matrix = new Float32Array(size * size);
  (sums || []).forEach((sum, row) => { matrix.fill(sum / size, row * size, (row + 1) * size); });
  return {
    state: { row: -1, label: 0, ...state },
    example: { kind: "self", relevance: sums ? [{ label: "a", shape: [size, size] }] : [] },
    queries: kinds.map((kind, at) => ({ kind, isEntity: kind === "entity", positions: [at] })),
    number: 0,
    store: { relevance: async () => matrix },
  };
}

test("the row that the head reads comes first: an entity, a marker, or the one of largest relevance", async () => {
  assert.equal(await RelevanceView.rowOf(view(["special", "word", "entity"], [9, 1, 1])), 2);
  assert.equal(await RelevanceView.rowOf(view(["special", "marker", "word", "marker"], [1, 4, 9, 2])), 1);
  assert.equal(await RelevanceView.rowOf(view(["special", "marker", "word", "marker"], [5, 4, 9, 2])), 0);
  assert.equal(await RelevanceView.rowOf(view(["special", "word", "word"], [1, 2, 3])), 2);
});

test("a chosen row stays, and without relevance the first row comes first", async () => {
  assert.equal(await RelevanceView.rowOf(view(["special", "word", "word"], [1, 2, 3], { row: 1 })), 1);
  assert.equal(await RelevanceView.rowOf(view(["special", "word"], null)), 0);
});
