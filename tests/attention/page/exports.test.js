const test = require("node:test");
const assert = require("node:assert/strict");
const { join } = require("node:path");
const Exports = require(join(process.env.PAGE, "exports.js"));

test("a CSV file has plain texts and numbers", () => {
  assert.equal(Exports.csv({ columns: ["from", "weight"], rows: [["\u2068في\u2069 #1", 0.25], ['a,"b"', 1 / 3]] }), 'from,weight\r\nفي #1,0.25\r\n"a,""b""",0.3333333\r\n');
  assert.deepEqual(["=1+1", "\u2068=x\u2069", "x=1"].map(Exports.field), ["'=1+1", "'=x", "x=1"]);
});
