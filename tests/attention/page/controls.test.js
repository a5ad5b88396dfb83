const test = require("node:test");
const assert = require("node:assert/strict");
const { join } = require("node:path");
global.Dom = require(join(process.env.PAGE, "dom.js"));
const Controls = require(join(process.env.PAGE, "controls.js"));

const typed = { labels: ["place", "organization", "group", "person", "event"], probabilities: [0.953, 0.867, 0.793, 0.503, 0.1], gold: ["place"], predicted: ["place", "organization", "group", "person"] };

test("all predicted labels are shown, the most probable first", () => {
  assert.equal(Controls.labelled(typed), "predicted: place 0.953, organization 0.867, group 0.793, person 0.503");
  const turned = { ...typed, labels: [...typed.labels].reverse(), probabilities: [...typed.probabilities].reverse() };
  assert.equal(Controls.labelled(turned), Controls.labelled(typed));
});

test("mentions keep the order of the text", () => {
  const labels = ["person 0-3", "place 13-17"];
  assert.equal(Controls.labelled({ labels, probabilities: [0.7, 0.9], gold: null, predicted: labels }), "predicted: person 0-3 0.700, place 13-17 0.900");
});

test("other labels are told from predicted ones, whatever the threshold is", () => {
  assert.equal(Controls.labelled({ ...typed, predicted: ["place"] }), "predicted: place 0.953 · others: organization 0.867, group 0.793");
  assert.equal(Controls.labelled({ ...typed, predicted: [] }), "predicted: none · others: place 0.953, organization 0.867, group 0.793");
});

test("a label without a probability has no number", () => {
  assert.equal(Controls.labelled({ labels: ["a", "b"], probabilities: [null, null], gold: null, predicted: ["a", "b"] }), "predicted: a, b");
});

test("many labels are counted", () => {
  const labels = Array.from({ length: 15 }, (_, at) => `m${at}`);
  assert.ok(Controls.labelled({ labels, probabilities: labels.map(() => null), gold: null, predicted: labels }).endsWith("m11 and 3 more"));
});

test("a file that does not name the predicted labels has those above one half", () => {
  assert.equal(Controls.labelled({ labels: ["a", "b"], probabilities: [0.2, 0.9], gold: null }), "predicted: b 0.900 · others: a 0.200");
  assert.equal(Controls.labelled({ labels: ["a", "b"], probabilities: [0.4, 0.3], gold: null }), "predicted: a 0.400 · others: b 0.300");
});

test("errors are those of the predicted labels", () => {
  const wrong = (changes) => Controls.wrong({ prediction: { ...typed, ...changes } });
  assert.equal(wrong({}), true);
  assert.equal(wrong({ gold: ["person", "group", "organization", "place"] }), false);
  assert.equal(wrong({ predicted: ["place"] }), false);
  assert.equal(wrong({ predicted: ["place"], gold: ["place", "event"] }), true);
  assert.equal(wrong({ predicted: ["place"], gold: ["place", "event"], alternatives: true }), false);
});
