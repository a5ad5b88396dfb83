const GridView = (() => {
  "use strict";

  const GAP = 4;
  const ORDERS = [["order", "layer and head"], ["entropy", "entropy (sharpest first)"], ["entities", "share on entities"], ["separators", "share on separators"], ["distance", "distance"]];

  /** The orders that mean something for an example. */
  function orders(context) {
    const names = new Set(Analysis.sensible(context.example, context.classes));
    return ORDERS.filter(([name]) => name === "order" || names.has(name));
  }

  /** The order of the state, if this example has it. */
  function sortOf(context) {
    return orders(context).some(([name]) => name === context.state.sort) ? context.state.sort : "order";
  }

  /** All heads as {layer, head, place}, in the order of the state's sort; those by a number carry it as `value`. */
  async function ordered(context) {
    const all = [];
    const sort = sortOf(context);
    for (const layer of context.layers) {
      const cells = context.heads.map((head, place) => ({ layer, head, place }));
      if (sort !== "order") {
        const decoded = await context.store.layer(context.number, layer);
        for (const cell of cells) cell.value = Analysis.statistics(decoded, cell.place, context.example, context.classes)[sort];
      }
      all.push(...cells);
    }
    if (sort === "order") return all;
    const sign = sort === "entropy" ? 1 : -1;
    return all.sort((a, b) => sign * (a.value - b.value));
  }

  function thumbnails(context, weights, side) {
    const [rows, columns] = [Math.min(side, context.queries.length), Math.min(side, context.keys.length)];
    return context.heads.map((_, place) => {
      const matrix = weights.one(place);
      return { rows, columns, values: Edges.pool(matrix, context.queries.length, context.keys.length, rows, columns) };
    });
  }

  function layout(context) {
    const left = 34;
    const count = context.heads.length;
    const side = Math.max(12, Math.min(110, Math.floor((context.width - left - 4) / count) - GAP));
    return { left, top: 26, side, count };
  }

  async function draw(context) {
    const { left, top, side, count } = layout(context);
    const cells = await ordered(context);
    const sort = sortOf(context);
    const sorted = sort !== "order";
    const high = side + GAP + (sorted ? 14 : 0);
    const picture = new Scene.Picture(left + count * (side + GAP), top + Math.ceil(cells.length / count) * high + 4);
    const places = new Map(cells.map((cell, at) => [`${cell.layer}/${cell.head}`, at]));
    const boxOf = (at) => ({ x: left + (at % count) * (side + GAP), y: top + Math.floor(at / count) * high });
    for (const layer of context.layers) {
      const found = context.thumbnails(layer, side) || context.keepThumbnails(layer, side, thumbnails(context, await context.weights(layer), side));
      found.forEach((thumb, place) => drawCell(context, picture, thumb, { layer, head: context.heads[place], side, ...boxOf(places.get(`${layer}/${context.heads[place]}`)) }));
    }
    labels(context, picture, cells, { left, top, side, count, high, sorted });
    const canvas = context.canvas(GridView);
    Scene.paint(canvas, picture, null);
    const box = context.interactive(canvas, picture, "All layers and heads: arrow keys move, Enter opens the head");
    box.addEventListener("keydown", (event) => keys(event, context));
    context.element.append(Dom.make("div", { class: "view-controls" }, Dom.select("Sorted by", orders(context), sort, (value) => context.set({ sort: value }))), box);
    context.keep = { cells, picture: () => picture };
    context.say(`${context.layers.length} layers of ${context.heads.length} heads${sorted ? `, sorted by ${sort}` : ": one row for each layer, one column for each head"}. Click a head to open it.`);
  }

  function drawCell(context, picture, thumb, cell) {
    const { colours, state } = context;
    picture.image(cell.x, cell.y, cell.side, cell.side, thumb.columns, thumb.rows, Palette.pixels(thumb.values, colours, state.scale));
    const current = cell.layer === state.layer && (state.heads.length === 0 || state.heads.includes(cell.head));
    picture.rect(cell.x - 1, cell.y - 1, cell.side + 2, cell.side + 2, { colour: current ? colours.accent : colours.line, stroke: current ? 3 : 1 });
    picture.hit(cell.x, cell.y, cell.side, cell.side, `layer ${cell.layer}, head ${cell.head}`, () => open(context, cell.layer, cell.head));
  }

  function labels(context, picture, cells, { left, top, side, count, high, sorted }) {
    const style = { colour: context.colours.soft, size: 12, align: "middle" };
    if (!sorted) {
      const every = side < 18 ? 2 : 1;
      context.heads.forEach((head, place) => { if (place % every === 0) picture.text(left + place * (side + GAP) + side / 2, top - 11, String(head), style); });
      context.layers.forEach((layer, row) => picture.text(left - 8, top + row * high + side / 2, String(layer), { ...style, align: "end" }));
      picture.text(2, top - 11, "L \\ H", { ...style, align: "start", size: 10 });
      return;
    }
    cells.forEach((cell, at) => {
      const x = left + (at % count) * (side + GAP) + side / 2;
      const text = side > 60 ? `${cell.layer}·${cell.head}  ${cell.value.toFixed(2)}` : `${cell.layer}·${cell.head}`;
      picture.text(x, top + Math.floor(at / count) * high + side + 9, text, { ...style, size: 10, most: side + GAP });
    });
  }

  function open(context, layer, head) {
    context.set({ view: "heads", layer, heads: [head], mode: "each" });
  }

  function keys(event, context) {
    const { state, layers, heads } = context;
    const row = layers.indexOf(state.layer);
    const column = Math.max(0, heads.indexOf(state.heads[0] === undefined ? heads[0] : state.heads[0]));
    const moves = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] };
    if (event.key === "Enter") open(context, state.layer, heads[column]);
    else if (event.key in moves) {
      const [down, right] = moves[event.key];
      const layer = layers[Math.min(layers.length - 1, Math.max(0, row + down))];
      context.set({ layer, heads: [heads[Math.min(heads.length - 1, Math.max(0, column + right))]] });
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  function describe(context) {
    return `Small pictures of the attention of ${context.layers.length} layers (rows) and ${context.heads.length} heads (columns); each has queries as rows and keys as columns.`;
  }

  function table(context) {
    const sort = sortOf(context);
    return {
      columns: ["layer", "head", ...(sort === "order" ? [] : [sort])],
      rows: context.keep.cells.map((cell) => [cell.layer, cell.head, ...(sort === "order" ? [] : [cell.value])]),
    };
  }

  return { name: "grid", label: "Model grid", draw, describe, table, orders, sortOf };
})();
if (typeof module !== "undefined") module.exports = GridView;
