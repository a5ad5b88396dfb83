const test = require("node:test");
const assert = require("node:assert/strict");
const { join } = require("node:path");
const Dom = require(join(process.env.PAGE, "dom.js"));

test("numbers that three decimals do not show have two digits", () => {
  assert.deepEqual([0.25, 0.0123, 0.0005, 0.000049, 0, -0.000049, 3, 0.1234567].map(Dom.show), ["0.250", "0.012", "0.001", "4.9e-5", "0", "-4.9e-5", "3", "0.123"]);
  assert.equal(Dom.small(0), "0.000");
});
