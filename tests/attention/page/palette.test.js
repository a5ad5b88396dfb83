const test = require("node:test");
const assert = require("node:assert/strict");
const { join } = require("node:path");
const Palette = require(join(process.env.PAGE, "palette.js"));

const THEMES = [["#ffffff", false], ["#15191f", true]];

test("contrast is that of WCAG", () => {
  assert.ok(Math.abs(Palette.contrast([255, 255, 255], [0, 0, 0]) - 21) < 1e-9);
  assert.ok(Math.abs(Palette.contrast([119, 119, 119], [255, 255, 255]) - 4.478) < 0.001);
});

test("the colour of every head stands out from the page, and neighbours differ in lightness", () => {
  for (const [paper, dark] of THEMES) {
    for (let head = 0; head < 24; head++) {
      const [colour, next] = [head, head + 1].map((number) => Palette.head(number, 24, dark).match(/\d+/g).map(Number));
      assert.ok(Palette.contrast(colour, Palette.parse(paper)) >= 4.5, `${head} ${colour}`);
      assert.ok(Palette.contrast(colour, next) >= 1.4, `${head} ${colour} ${next}`);
    }
  }
});

test("lines and areas stand out from the page", () => {
  for (const [paper, dark] of THEMES) {
    for (const colour of Palette.series(dark)) assert.ok(Palette.contrast(Palette.parse(colour), Palette.parse(paper)) >= 3, colour);
    assert.equal(new Set(Palette.series(dark)).size, 8);
  }
});

test("numbers can be read on every colour of the scale", () => {
  for (const [, dark] of THEMES) {
    for (let share = 0; share <= 1; share += 0.01) {
      const colours = { stops: Palette.stops(dark) };
      assert.ok(Palette.contrast(Palette.parse(Palette.inkOn(colours, share)), Palette.along(colours.stops, share)) >= 4.5, `${dark} ${share}`);
    }
  }
});
