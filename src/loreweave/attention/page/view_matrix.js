const MatrixView = (() => {
  "use strict";

  /** Where things stand in a matrix picture. options: {width, zoom, rowNames, columnNames}. */
  function layout(queries, keys, width, zoom) {
    const widest = (units) => Math.max(20, ...units.map((unit) => Scene.measure(unit.name, 12)));
    const left = Math.min(widest(queries) + 12, 170, width * 0.34);
    const sideBeside = (margin) => Math.max(1.5, Math.min(46, (width - margin - 8) / Math.max(1, keys.length))) * zoom;
    const named = sideBeside(left) >= 10;
    const side = sideBeside(named ? left : 8);
    const top = named ? Math.min(widest(keys) + 12, 150) : 8;
    return { left: named ? left : 8, margin: left, top, high: top, side, named };
  }

  /** Draws a matrix of values with its tokens into a picture at (x, 0); returns the layout with `cell(x, y)`. pixels: [4 * cells]. */
  function place(picture, context, units, grid, pixels) {
    const { queries, keys } = units;
    const { left, top, side } = grid;
    picture.image(left, top, side * keys.length, side * queries.length, keys.length, queries.length, pixels);
    picture.rect(left, top, side * keys.length, side * queries.length, { colour: context.colours.line });
    names(picture, context, units, grid);
    const row = queries.findIndex((unit) => unit.isEntity);
    const column = keys.findIndex((unit) => unit.isEntity);
    const style = { colour: context.colours.accent, width: 2, dash: [6, 3] };
    if (row > 0) picture.line(left - 6, top + row * side, left + side * keys.length, top + row * side, style);
    if (column > 0) picture.line(left + column * side, top - 6, left + column * side, top + side * queries.length, style);
  }

  function names(picture, context, { queries, keys }, { left, margin, top, high, side, named }) {
    if (!named) return;
    const style = (unit) => ({ colour: unit.isEntity || unit.marks.length ? context.colours.entity : unit.kind === "special" || unit.kind === "separator" ? context.colours.soft : context.colours.ink, size: Math.max(9, Math.min(12, side - 1)), bold: unit.isEntity });
    queries.forEach((unit, at) => picture.text(left - 6, top + (at + 0.5) * side, unit.name, { ...style(unit), align: "end", most: margin - 10, pin: "x" }));
    keys.forEach((unit, at) => picture.text(left + (at + 0.5) * side, top - 6, unit.name, { ...style(unit), turn: -90, most: high - 10, pin: "y" }));
  }

  function numbers(picture, context, matrix, width, { left, top, side }) {
    if (side < 34) return;
    picture.late((other, part) => {
      const within = (from, length, start, count) => [Math.max(0, Math.floor((from - start) / side)), Math.min(count, Math.ceil((from + length - start) / side))];
      const [firstRow, endRow] = within(part.y, part.height, top, matrix.length / width);
      const [first, end] = within(part.x, part.width, left, width);
      for (let row = firstRow; row < endRow; row++) {
        for (let column = first; column < end; column++) {
          const weight = matrix[row * width + column];
          if (weight < 0.005) continue;
          const colour = Palette.inkOn(context.colours, Palette.scaled(weight, context.state.scale));
          other.text(left + (column + 0.5) * side, top + (row + 0.5) * side, side > 60 ? weight.toFixed(3) : weight.toFixed(2).replace(/^0/, ""), { colour, size: side > 60 ? 13 : 11, align: "middle" });
        }
      }
    });
  }

  /** The cell under a point, as a hit with a tool-tip; act(query, key) when it is clicked. */
  function locate(context, { queries, keys }, grid, valueOf, act) {
    return (x, y) => {
      const [key, query] = [Math.floor((x - grid.left) / grid.side), Math.floor((y - grid.top) / grid.side)];
      if (key < 0 || query < 0 || key >= keys.length || query >= queries.length) return null;
      return { tip: `${queries[query].name} → ${keys[key].name}: ${valueOf(query, key).toFixed(3)}`, act: () => act(query, key), cross: [query, key] };
    };
  }

  function cross(picture, context, grid, from, to) {
    const { left, top, side } = grid;
    const style = { colour: context.colours.accent, stroke: 2 };
    for (const query of from) picture.rect(left, top + query * side, side * context.keys.length, side, style);
    for (const key of to) picture.rect(left + key * side, top, side, side * context.queries.length, style);
  }

  async function draw(context) {
    const { queries, keys, state, colours } = context;
    const weights = await context.weights(state.layer);
    const matrix = weights.together(context.headPlaces, state.mode === "max" ? "max" : "mean");
    const grid = layout(queries, keys, context.width, state.zoom);
    const picture = new Scene.Picture(grid.left + grid.side * keys.length + 4, grid.top + grid.side * queries.length + 4);
    const units = { queries, keys };
    picture.frozen = grid.named ? { left: grid.left, top: grid.top } : { left: 0, top: 0 };
    place(picture, context, units, grid, Palette.pixels(matrix, colours, state.scale));
    numbers(picture, context, matrix, keys.length, grid);
    const [from, to] = [Tokens.unitsAt(queries, state.from), Tokens.unitsAt(keys, state.to)];
    cross(picture, context, grid, from, to);
    const valueOf = (query, key) => matrix[query * keys.length + key];
    picture.locate = locate(context, units, grid, valueOf, (query, key) => context.set({ from: queries[query].positions, to: keys[key].positions }));
    const canvas = context.canvas(MatrixView);
    const target = from.length && to.length ? [grid.left + to[0] * grid.side, grid.top + from[0] * grid.side, grid.left + (to[0] + 1) * grid.side, grid.top + (from[0] + 1) * grid.side] : null;
    const box = context.scrolling(canvas, picture, "Matrix of weights: arrow keys move the cell, Shift and arrows move the picture, + and - zoom", target);
    box.addEventListener("keydown", (event) => move(event, context));
    context.element.append(controls(context), box);
    context.keep = { matrix, picture: () => picture };
    context.say(said(context, valueOf, from, to));
  }

  function said(context, valueOf, from, to) {
    const where = `${context.layerName}, ${context.combinedName}`;
    if (!from.length || !to.length) return `${where}: ${context.queries.length} queries × ${context.keys.length} keys.`;
    const value = from.reduce((sum, query) => sum + to.reduce((part, key) => part + valueOf(query, key), 0), 0) / from.length;
    return `${where}: ${Tokens.nameOf(context.queries, context.state.from)} to ${Tokens.nameOf(context.keys, context.state.to)}: ${value.toFixed(3)}`;
  }

  function controls(context) {
    return Dom.make("div", { class: "view-controls" }, Pointing.zoomButtons(context.state.zoom, State.ZOOMS.zoom, context.zoomBy), scaleBar(context));
  }

  /** The colour scale, from 0 to `end`. */
  function scaleBar(context, end = "1") {
    const stops = Array.from({ length: 9 }, (_, i) => Palette.css(Palette.along(context.colours.stops, Palette.scaled(i / 8, context.state.scale))));
    const ramp = Dom.make("span", { class: "ramp", "aria-hidden": "true" });
    ramp.style.background = `linear-gradient(to right, ${stops.join(", ")})`;
    return Dom.make("span", { class: "scale" }, "0", ramp, end);
  }

  function move(event, context) {
    const moves = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] };
    if (!(event.key in moves) || !context.queries.length || !context.keys.length) return;
    event.preventDefault();
    event.stopPropagation();
    const [from, to] = [Tokens.unitsAt(context.queries, context.now().from), Tokens.unitsAt(context.keys, context.now().to)];
    const [down, right] = from.length && to.length ? moves[event.key] : [0, 0];
    const query = Math.min(context.queries.length - 1, Math.max(0, (from[0] || 0) + down));
    const key = Math.min(context.keys.length - 1, Math.max(0, (to[0] || 0) + right));
    context.moved({ from: context.queries[query].positions, to: context.keys[key].positions });
  }

  function describe(context) {
    return `Heat map of ${context.queries.length} queries (rows) by ${context.keys.length} keys (columns), ${context.layerName}, ${context.combinedName}.`;
  }

  function table(context) {
    const { queries, keys } = context;
    const rows = [];
    context.keep.matrix.forEach((weight, i) => rows.push([queries[Math.floor(i / keys.length)].name, keys[i % keys.length].name, weight]));
    rows.sort((a, b) => b[2] - a[2]);
    return { columns: ["from", "to", "weight"], rows };
  }

  const hint = "Rows are the tokens that attend (queries), columns are those that are attended to (keys). Hover over a cell for its number, and click to pin it.";

  return { name: "matrix", label: "Matrix", hint, draw, describe, table, layout, place, locate, scaleBar };
})();
if (typeof module !== "undefined") module.exports = MatrixView;
