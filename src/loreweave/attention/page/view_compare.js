const CompareView = (() => {
  "use strict";

  const TITLE = 44;

  function titleOf(context, number) {
    const { data } = context;
    const example = data.examples[number];
    return `${Kinds.modelNames(data)[example.model]} · ${example.id}`;
  }

  /** The weights of both sides in the layer that is shown. */
  async function sides(context, other, pair) {
    const { heads } = pair.second.attention;
    const places = context.state.heads.map((head) => heads.indexOf(head)).filter((place) => place >= 0);
    const count = places.length || heads.length; // of another number of heads, those with the same numbers, else all
    const headsName = count === 1 ? `head ${heads[places[0] || 0]}` : `mean of ${count} heads`;
    const [a, b] = await Changes.weights(context, other, pair, context.state.layer);
    return { units: pair.units, layer: pair.layerOf(context.state.layer), headsName, a: a.together(context.headPlaces, "mean"), b: b.together(places, "mean") };
  }

  /** What A and B are: the model and the text, and the layer and heads. */
  function titles(context, found, other) {
    return [[`A: ${titleOf(context, context.number)}`, `${context.layerName}, ${context.meanName}`],
      [`B: ${titleOf(context, other)}`, `layer ${found.layer}, ${found.headsName}`]];
  }

  function panel(context, picture, x, box, [title, note], units, matrix, pixels) {
    const [rows, columns] = [units.queries.first, units.keys.first];
    const grid = MatrixView.layout(rows, columns, box, 1);
    grid.left += x;
    grid.top += TITLE;
    picture.text(x + 4, 12, title, { colour: context.colours.ink, size: 13, bold: true, most: box - 8 });
    picture.text(x + 4, 30, note, { colour: context.colours.soft, size: 12, most: box - 8 });
    MatrixView.place(picture, context, { queries: rows, keys: columns }, grid, pixels);
    return { grid, valueOf: (query, key) => matrix[query * columns.length + key] };
  }

  function drawPanels(context, found, other) {
    const { units, a, b } = found;
    const both = { queries: units.queries.first, keys: units.keys.first };
    const columns = context.width >= 900 ? 3 : 1;
    const box = Math.floor(context.width / columns);
    const difference = a.map((weight, at) => weight - b[at]);
    const most = Math.max(1e-6, ...difference.map(Math.abs));
    const pixels = (matrix) => Palette.pixels(matrix, context.colours, context.state.scale);
    const [first, second] = titles(context, found, other);
    const parts = [[first, a, pixels(a)], [second, b, pixels(b)],
      [["A − B", `up to ±${most.toFixed(3)}; blue: more in A, orange: more in B`], difference, Palette.differences(difference, context.colours, most)]];
    const height = MatrixView.layout(both.queries, both.keys, box, 1);
    const tall = height.top + TITLE + height.side * both.queries.length + 14;
    const picture = new Scene.Picture(columns * box, (3 / columns) * tall);
    const locates = parts.map(([title, matrix, image], at) => {
      const target = columns === 1 ? shifted(picture, at * tall) : picture;
      const one = panel(context, target, columns === 1 ? 0 : at * box, box, title, units, matrix, image);
      if (columns === 1) one.grid.top += at * tall;
      return MatrixView.locate(context, both, one.grid, one.valueOf, (query, key) => context.set({ from: both.queries[query].positions, to: both.keys[key].positions }));
    });
    picture.locate = (x, y) => locates.map((locate) => locate(x, y)).find(Boolean) || null;
    found.difference = difference;
    return picture;
  }

  /** A picture that draws into another, lower by `y`. */
  function shifted(picture, y) {
    const lower = new Scene.Picture(1, 1);
    lower.add = (kind, shape) => {
      const points = shape.points && shape.points.map(([x, at]) => [x, at + y]);
      picture.add(kind, { ...shape, ...(points ? { points } : {}), ...(shape.y === undefined ? {} : { y: shape.y + y }) });
      return lower;
    };
    return lower;
  }

  function controls(context, other) {
    const { data } = context;
    const choices = Changes.candidates(context).map((at) => [at, Controls.title(data, data.examples[at])]);
    if (other < 0) choices.unshift([-1, "choose an example"]);
    return Dom.make("div", { class: "view-controls" }, Dom.select("Compare with", choices, other, (at) => context.set({ other: Number(at) })), MatrixView.scaleBar(context));
  }

  /** What is missing for a comparison, or "". */
  function missing(context, other) {
    if (Changes.candidates(context).length) return other < 0 ? "No other example has this text: choose one to compare with." : "";
    return "There is nothing to compare with this example: write a page with two models (--model twice) or two texts.";
  }

  async function draw(context) {
    const other = Changes.otherOf(context);
    context.keep = { rows: [], picture: () => new Scene.Picture(1, 1) };
    if (Changes.candidates(context).length) context.element.append(controls(context, other));
    const pair = missing(context, other) ? null : Changes.pairing(context, other);
    if (!pair || !pair.units.queries.first.length || !pair.units.keys.first.length) {
      context.say(missing(context, other) || "The two examples have no word in common.");
      return;
    }
    const found = await sides(context, other, pair);
    const picture = drawPanels(context, found, other);
    const canvas = context.canvas(CompareView);
    Scene.paint(canvas, picture, null);
    const rows = (await Changes.all(context, other, pair)).sort((x, y) => y.value - x.value);
    const where = (row) => `layer ${row.layer}, ${pair.paired ? `head ${row.head}` : "mean of the heads"}`;
    const buttons = rows.slice(0, 12).map((row) => Dom.button(`${row.layer}${pair.paired ? `·${row.head}` : ""}  ${row.value.toFixed(3)}`, () => context.set({ layer: row.layer, heads: pair.paired ? [row.head] : [] }), { class: "chip", title: `Show ${where(row)}` }));
    context.element.append(context.interactive(canvas, picture, "Both sides and their difference"),
      Dom.make("div", { class: "summary-row" }, Dom.make("strong", {}, "Changed most"), Dom.make("div", { class: "chips" }, buttons, Dom.make("span", { class: "legend" }, `${pair.paired ? "layer·head" : "layer of A"}, Jensen-Shannon divergence (0 to 1)`),
        pair.paired ? Dom.button("All heads, sorted", () => context.set({ view: "grid", sort: "difference" }), { class: "chip link", title: "Show all heads, sorted by their difference" }) : null)));
    context.keep = { rows, found, other, picture: () => picture };
    context.say(`${words(context, found.units)}Most changed: ${where(rows[0])} (${rows[0].value.toFixed(3)}).${pinned(context, found)}`);
  }

  /** How much of the two examples is compared, where they have other tokens. */
  function words(context, { queries, keys, same }) {
    if (same) return "Same tokens. ";
    const [rows, columns] = [queries, keys].map(({ first }) => `${first.length} ${first.length === 1 ? "word" : "words"}`);
    return `${!context.example.keys && rows === columns ? rows : `${rows} × ${columns}`} that both have. `;
  }

  function pinned(context, { units, a, b }) {
    const [queries, keys] = [units.queries.first, units.keys.first];
    const [from, to] = [Tokens.unitsAt(queries, context.state.from), Tokens.unitsAt(keys, context.state.to)];
    if (!from.length || !to.length) return "";
    const value = (matrix) => from.reduce((sum, query) => sum + to.reduce((part, key) => part + matrix[query * keys.length + key], 0), 0) / from.length;
    return ` ${Tokens.nameOf(queries, context.state.from)} to ${Tokens.nameOf(keys, context.state.to)}: A ${value(a).toFixed(3)}, B ${value(b).toFixed(3)}.`;
  }

  function describe(context) {
    return context.keep.found ? "Three heat maps: the first example, the second, and their difference. The table has the change of every head. There are CSV files of the heat maps and of the heads." : "Nothing to compare.";
  }

  function table(context) {
    return { columns: ["layer", "head", "Jensen-Shannon divergence"], rows: context.keep.rows.map((row) => [row.layer, row.head, row.value]) };
  }

  /** The table with the names of what is compared. */
  function heads(context) {
    const { columns: [layer, head, value], rows } = table(context);
    const names = context.keep.found ? ` of ${titleOf(context, context.number)} (A) and ${titleOf(context, context.keep.other)} (B)` : "";
    return { columns: [layer, head, value + names], rows };
  }

  /** The three heat maps as rows, those with the largest differences first. */
  function cells(context) {
    if (!context.keep.found) return { columns: ["from", "to", "A", "B", "A − B"], rows: [] };
    const columns = ["from", "to", ...titles(context, context.keep.found, context.keep.other).map((title) => title.join(", ")), "A − B"];
    const { units, a, b, difference } = context.keep.found;
    const [queries, keys] = [units.queries.first, units.keys.first];
    const rows = Array.from(difference, (change, at) => [queries[Math.floor(at / keys.length)].name, keys[at % keys.length].name, a[at], b[at], change]);
    return { columns, rows: rows.sort((x, y) => Math.abs(y[4]) - Math.abs(x[4])) };
  }

  const hint = "Two models or two examples, compared on the words that both have: A, B and their difference. Rows are queries, columns are keys.";

  const files = [{ label: "CSV", title: "Save as CSV", table: cells },
    { label: "CSV of heads", title: "Save the change of every head as CSV", part: "heads", table: heads }];

  return { name: "compare", label: "Compare", hint, draw, describe, table, files, titleOf };
})();
if (typeof module !== "undefined") module.exports = CompareView;
