const test = require("node:test");
const assert = require("node:assert/strict");
const { join } = require("node:path");
const Tokens = require(join(process.env.PAGE, "tokens.js"));

const CLASSES = ["special", "separator", "marker", "word", "punctuation", "mention", "entity"];
const TABLE = {
  text: ["[CLS]", "Bey", "oncé", "sings", ".", "[MASK]"], raw: ["<s>", "Bey", "oncé", "Ġsings", ".", "[MASK]"],
  class: [0, 5, 5, 3, 4, 6], start: [-1, 3, 6, 11, 16, 3], end: [-1, 6, 10, 16, 17, 10], word: [-1, 1, 1, 2, 3, -1],
};
const EXAMPLE = { text: "😀: Beyoncé sings.", queries: TABLE, keys: null, entities: [{ row: 5, label: "[MASK]", start: 3, end: 10, words: [1, 2] }] };
const units = (options) => Tokens.units(EXAMPLE, "queries", CLASSES, options);

test("pieces of a word are one unit, and characters are counted as code points", () => {
  const merged = units({ merge: true });
  assert.deepEqual(merged.map((unit) => unit.positions), [[0], [1, 2], [3], [4], [5]]);
  assert.equal(merged[1].label, "Beyoncé");
  assert.equal(merged[4].label, "[MASK] Beyoncé");
  assert.equal(merged[4].badge, "E1");
  assert.deepEqual(merged[1].mentions, [0]);
  assert.equal(units({ merge: false }).length, 6);
});

test("hidden classes leave", () => {
  const shown = units({ merge: false, hidden: new Set(["special", "punctuation"]) });
  assert.deepEqual(shown.map((unit) => unit.label), ["Bey", "oncé", "sings", "[MASK] Beyoncé"]);
});

test("a hidden token between two pieces keeps them apart, and the same word elsewhere is another one", () => {
  const table = { ...TABLE, class: [3, 3, 3, 4, 3, 3], word: [7, 7, 2, 2, 2, 7] };
  const shown = Tokens.units({ ...EXAMPLE, queries: table, entities: [] }, "queries", CLASSES, { merge: true, hidden: new Set(["punctuation"]) });
  assert.deepEqual(shown.map((unit) => unit.positions), [[0, 1], [2], [4], [5]]);
});

test("weights to a word are summed, weights from it averaged", () => {
  const read = (query, key) => [[0.1, 0.2, 0.7], [0.3, 0.4, 0.3], [0.5, 0.25, 0.25]][query][key];
  const two = [{ positions: [0, 1] }, { positions: [2] }];
  const found = [...Tokens.reduce(read, two, two, 3)].map((value) => Math.round(value * 1e6) / 1e6);
  assert.deepEqual(found, [0.5, 0.5, 0.75, 0.25]);
});

test("equal labels are numbered", () => {
  const table = { ...TABLE, text: ["a", "b", "a", "c", "a", "x"], class: [3, 3, 3, 3, 3, 3], word: [0, 1, 2, 3, 4, 5] };
  const names = Tokens.units({ ...EXAMPLE, queries: table, entities: [] }, "queries", CLASSES, {}).map((unit) => unit.name);
  assert.deepEqual(names, ["a #1", "b", "a #2", "c", "a #3", "x"]);
});

test("a text is found in any case and composition of its letters", () => {
  assert.ok(Tokens.contains("[MASK] Beyonce\u0301", "BEYONC\u00c9") && Tokens.contains("caf\u00e9", "fe\u0301") && Tokens.contains("a", ""));
  assert.ok(!Tokens.contains("cafe", "caf\u00e9"));
});

test("what cannot be seen is made visible, long texts are shortened", () => {
  assert.equal(Tokens.visible("  "), "␣␣");
  assert.equal(Tokens.visible("\n"), "↵");
  assert.equal(Tokens.visible(""), "∅");
  assert.equal(Tokens.visible("a\u202eb"), "a⟨202E⟩b");
  for (const emoji of ["👩\u200d🔬", "👩🏽\u200d🔬", "🏳\ufe0f\u200d🌈", "👨\u200d👩\u200d👧", "❤️\u200d🔥", "🙋🏿\u200d♀\ufe0f"]) {
    assert.equal(Tokens.visible(emoji), emoji);
    assert.equal(Tokens.visible(`a\u200b ${emoji}\u202e`), `a⟨200B⟩ ${emoji}⟨202E⟩`);
  }
  for (const word of ["می\u200cخواهم", "क्\u200dष", "ශ්\u200dරී"]) assert.equal(Tokens.visible(word), word);
  // After a vowel sign, a stretched letter, an accent of the Vedas, digits and a mark of Mongolian: signs that scripts share.
  const shared = ["\u0628\u064b\u200c\u0628", "\u0628\u0655\u200c\u0628", "\u0628\u0640\u200c\u0628", "\u0915\u0951\u200d\u0915", "\u0628\u200c\u064e\u0628", "\u0661\u200c\u0628", "\u1820\u180b\u200d\u1820"];
  for (const word of shared) assert.equal(Tokens.visible(word), word);
  for (const mark of ["\u060c", "\u06d4", "\u0964"]) assert.equal(Tokens.visible(`\u0628${mark}\u200c\u0628`), `\u0628${mark}⟨200C⟩\u0628`);
  assert.equal(Tokens.visible("a\u0951\u200db"), "a\u0951⟨200D⟩b");
  assert.equal(Tokens.visible("می\u200c"), "می⟨200C⟩");
  assert.equal(Tokens.visible("می\u200c\u200cخ"), "می⟨200C⟩⟨200C⟩خ");
  assert.equal(Tokens.visible("a\u200db"), "a⟨200D⟩b");
  assert.equal(Tokens.visible("👩\u200d"), "👩⟨200D⟩");
  assert.equal(Tokens.visible("\u200d🔬 👩\u200db 👩\u200d\u200d🔬"), "⟨200D⟩🔬 👩⟨200D⟩b 👩⟨200D⟩⟨200D⟩🔬");
  assert.equal(Tokens.visible("1\u200d🔬"), "1⟨200D⟩🔬", "digits are no pictures");
  assert.equal(Tokens.visible("שלום"), "שלום");
  assert.equal(Array.from(Tokens.shorten("😀".repeat(300))).length, 28);
});

test("a mention of another side is not a mention here", () => {
  const keys = { ...TABLE, class: [3, 3, 3, 3, 3, 3] };
  const found = Tokens.units({ ...EXAMPLE, keys }, "keys", CLASSES, {});
  assert.ok(found.every((unit) => !unit.mentions.length && unit.entity === -1));
});

test("names that are written from right to left keep the order of what stands beside them", () => {
  const table = { text: ["في", "في", "a"], raw: ["x", "x", "a"], class: [3, 3, 3], start: [-1, -1, -1], end: [-1, -1, -1], word: [0, 1, 2] };
  const found = Tokens.units({ text: "", queries: table, keys: null, entities: [] }, "queries", CLASSES, { merge: false });
  assert.deepEqual(found.map((unit) => unit.name), ["\u2068في\u2069 #1", "\u2068في\u2069 #2", "a"]);
  assert.deepEqual(found.map((unit) => unit.label), ["في", "في", "a"]);
});

test("mentions without an entity are numbered in the order of the text", () => {
  const table = { text: ["a", "b", "c", "d", "e"], raw: ["a", "b", "c", "d", "e"], class: [5, 3, 5, 5, 5], start: [0, 2, 4, 6, 8], end: [1, 3, 5, 7, 9], word: [0, 1, 2, 2, 3] };
  const found = Tokens.units({ text: "a b c d e", queries: table, keys: null, entities: [] }, "queries", CLASSES, { merge: true });
  assert.deepEqual(found.map(({ mention, marks }) => [mention, marks]), [[1, ["M1"]], [0, []], [2, ["M2"]], [2, ["M2"]]]);
  assert.ok(units({ merge: false }).every(({ mention }) => mention === 0)); // the mention of an entity has the badge of the entity
});
