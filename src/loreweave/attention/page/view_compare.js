const CompareView = (() => {
  "use strict";

  /** Number of the example to compare with: the chosen one, else the same text of another model, else the next; -1: none. */
  function otherOf(context) {
    const { data, state, example } = context;
    if (state.other >= 0) return state.other;
    const same = data.examples.findIndex((one, at) => at !== state.example && one.id === example.id && one.model !== example.model && one.kind === example.kind);
    if (same >= 0) return same;
    return data.examples.findIndex((one, at) => at !== state.example && one.text === example.text && one.kind === example.kind);
  }

  function titleOf(context, number) {
    const { data } = context;
    const example = data.examples[number];
    return `${data.models[example.model].name} · ${example.id}`;
  }

  /** Weights of both sides over the same units. */
  async function sides(context, other) {
    const second = context.data.examples[other];
    const hidden = new Set([...(context.state.special ? [] : ["special", "separator"]), ...(context.state.markers ? [] : ["marker"]), ...(context.state.punctuation ? [] : ["punctuation"])]);
    const units = Aligned.units(context.example, second, context.classes, { merge: context.state.merge, hidden });
    const layer = Aligned.layerOf(context.state.layer, context.layers, second.attention.layers);
    const places = context.state.heads.map((head) => second.attention.heads.indexOf(head)).filter((place) => place >= 0);
    const a = await context.weights(context.state.layer, context.number, { queries: units.first, keys: units.first });
    const b = await context.weights(layer, other, { queries: units.second, keys: units.second });
    return { units, layer, a: a.together(context.headPlaces, "mean"), b: b.together(places, "mean") };
  }

  /** Divergence of each head (or, where heads differ in number, of the mean of the heads) between both sides: [{layer, head, value}], largest first. */
  async function changes(context, other, units) {
    const second = context.data.examples[other];
    const paired = String(context.heads) === String(second.attention.heads) && String(context.layers) === String(second.attention.layers);
    const size = units.first.length;
    const rows = [];
    for (const layer of context.layers) {
      const a = await context.weights(layer, context.number, { queries: units.first, keys: units.first });
      const b = await context.weights(Aligned.layerOf(layer, context.layers, second.attention.layers), other, { queries: units.second, keys: units.second });
      if (paired) context.heads.forEach((head, place) => rows.push({ layer, head, value: Analysis.divergence(a.one(place), b.one(place), size, size) }));
      else rows.push({ layer, head: "mean", value: Analysis.divergence(a.together([], "mean"), b.together([], "mean"), size, size) });
    }
    return rows.sort((x, y) => y.value - x.value);
  }

  function panel(context, picture, x, box, title, units, matrix, pixels) {
    const grid = MatrixView.layout(units.first, units.first, box, 1);
    grid.left += x;
    grid.top += 26;
    picture.text(x + 4, 12, title, { colour: context.colours.ink, size: 13, bold: true, most: box - 8 });
    MatrixView.place(picture, context, { queries: units.first, keys: units.first }, grid, pixels);
    const size = units.first.length;
    return { grid, bottom: grid.top + grid.side * size + 8, valueOf: (query, key) => matrix[query * size + key] };
  }

  function drawPanels(context, found, other) {
    const { units, a, b } = found;
    const columns = context.width >= 900 ? 3 : 1;
    const box = Math.floor(context.width / columns);
    const difference = a.map((weight, at) => weight - b[at]);
    const most = Math.max(1e-6, ...difference.map(Math.abs));
    const pixels = (matrix) => Palette.pixels(matrix, context.colours, context.state.scale);
    const parts = [[`A: ${titleOf(context, context.number)}, layer ${context.state.layer}`, a, pixels(a)], [`B: ${titleOf(context, other)}, layer ${found.layer}`, b, pixels(b)],
      [`A − B: blue A, orange B, ±${most.toFixed(2)}`, difference, Palette.differences(difference, context.colours, most)]];
    const height = MatrixView.layout(units.first, units.first, box, 1);
    const tall = height.top + 26 + height.side * units.first.length + 14;
    const picture = new Scene.Picture(columns * box, (3 / columns) * tall);
    const locates = parts.map(([title, matrix, image], at) => {
      const target = columns === 1 ? shifted(picture, at * tall) : picture;
      const one = panel(context, target, columns === 1 ? 0 : at * box, box, title, units, matrix, image);
      if (columns === 1) one.grid.top += at * tall;
      return MatrixView.locate(context, { queries: units.first, keys: units.first }, one.grid, one.valueOf, (query, key) => context.set({ from: units.first[query].positions, to: units.first[key].positions }));
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
    const choices = context.data.examples.map((one, at) => [at, Controls.title(context.data, one)]).filter(([at]) => at !== context.number);
    return Dom.make("div", { class: "view-controls" }, Dom.select("Compare with", choices, other, (at) => context.set({ other: Number(at) })), MatrixView.scaleBar(context));
  }

  async function draw(context) {
    const other = otherOf(context);
    const missing = context.data.examples.length < 2 ? "This page has one example: write a page with two models or two examples to compare them."
      : other < 0 ? "No other example has this text: choose one to compare with." : context.example.keys || context.data.examples[other].keys ? "Cross attention is not compared." : "";
    context.keep = { rows: [], picture: () => new Scene.Picture(1, 1) };
    if (context.data.examples.length > 1) context.element.append(controls(context, other));
    const found = missing ? null : await sides(context, other);
    if (missing || !found.units.first.length) {
      context.element.append(Dom.make("p", {}, missing || "The two examples have no word in the same place."));
      return;
    }
    const picture = drawPanels(context, found, other);
    const canvas = context.canvas(CompareView);
    Scene.paint(canvas, picture, null);
    const rows = await changes(context, other, found.units);
    const buttons = rows.slice(0, 12).map((row) => Dom.button(`${row.layer}·${row.head}  ${row.value.toFixed(3)}`, () => context.set({ layer: row.layer, heads: row.head === "mean" ? [] : [row.head] }), { class: "chip", title: `Layer ${row.layer}, head ${row.head}` }));
    context.element.append(context.interactive(canvas, picture, "Both sides and their difference"),
      Dom.make("div", { class: "summary-row" }, Dom.make("strong", {}, "Changed most"), Dom.make("div", { class: "chips" }, buttons, Dom.make("span", { class: "legend" }, "layer·head, Jensen-Shannon divergence (0 to 1)"))));
    context.keep = { rows, found, picture: () => picture };
    context.say(`${found.units.same ? "Same tokens" : `${found.units.first.length} words that both have`}. Most changed: layer ${rows[0].layer}, head ${rows[0].head} (${rows[0].value.toFixed(3)}).${said(context, found)}`);
  }

  function said(context, { units, a, b }) {
    const [from, to] = [Tokens.unitsAt(units.first, context.state.from), Tokens.unitsAt(units.first, context.state.to)];
    if (!from.length || !to.length) return "";
    const value = (matrix) => from.reduce((sum, query) => sum + to.reduce((part, key) => part + matrix[query * units.first.length + key], 0), 0) / from.length;
    return ` ${Tokens.nameOf(units.first, context.state.from)} to ${Tokens.nameOf(units.first, context.state.to)}: A ${value(a).toFixed(3)}, B ${value(b).toFixed(3)}.`;
  }

  function describe(context) {
    return context.keep.found ? "Three heat maps: the first example, the second, and their difference. The table has the change of every head." : "Nothing to compare.";
  }

  function table(context) {
    return { columns: ["layer", "head", "Jensen-Shannon divergence"], rows: context.keep.rows.map((row) => [row.layer, row.head, row.value]) };
  }

  return { name: "compare", label: "Compare", draw, describe, table, otherOf };
})();
if (typeof module !== "undefined") module.exports = CompareView;
