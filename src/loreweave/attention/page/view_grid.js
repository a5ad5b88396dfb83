const GridView = (() => {
  "use strict";

  const GAP = 4;
  const ORDERS = [["order", "layer and head"], ["entropy", "entropy (sharpest first)"], ["entities", "share on entities"], ["separators", "share on separators"], ["distance", "distance"]];

  /** The orders that mean something for an example. compared: also by the difference from the other example, where their heads are the same. */
  function orders(context, compared = false) {
    const names = new Set(Analysis.sensible(context.example, context.classes));
    const found = ORDERS.filter(([name]) => name === "order" || names.has(name));
    const other = compared ? Changes.otherOf(context) : -1;
    if (other >= 0 && Changes.pairing(context, other).paired) found.push(["difference", `difference from ${Tokens.shorten(CompareView.titleOf(context, other), 40)}`]);
    return found;
  }

  /** The order of the state, if this example has it. */
  function sortOf(context, compared = false) {
    return orders(context, compared).some(([name]) => name === context.state.sort) ? context.state.sort : "order";
  }

  /** Divergence of each head from the other example: Map from "layer/head". */
  async function differences(context) {
    const other = Changes.otherOf(context);
    const found = await Changes.all(context, other, Changes.pairing(context, other));
    return new Map(found.map((one) => [`${one.layer}/${one.head}`, one.value]));
  }

  /** All heads as {layer, head, place}, in the order of the state's sort; those by a number carry it as `value`. */
  async function ordered(context) {
    const all = [];
    const sort = sortOf(context, true);
    const changes = sort === "difference" ? await differences(context) : null;
    for (const layer of context.layers) {
      const cells = context.heads.map((head, place) => ({ layer, head, place }));
      if (changes) for (const cell of cells) cell.value = changes.get(`${layer}/${cell.head}`);
      else if (sort !== "order") {
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
    const side = Math.round(Math.max(12, Math.min(110, Math.floor((context.width - left - 4) / count) - GAP)) * context.state.gridzoom);
    return { left, top: 26, side, count };
  }

  async function draw(context) {
    const { left, top, side, count } = layout(context);
    const cells = await ordered(context);
    const sort = sortOf(context, true);
    const sorted = sort !== "order";
    const high = side + GAP + (sorted ? 14 : 0);
    const picture = new Scene.Picture(left + count * (side + GAP), top + Math.ceil(cells.length / count) * high + 4);
    const places = new Map(cells.map((cell, at) => [`${cell.layer}/${cell.head}`, at]));
    const boxOf = (at) => ({ x: left + (at % count) * (side + GAP), y: top + Math.floor(at / count) * high });
    for (const layer of context.layers) {
      const found = context.thumbnails(layer, side) || context.keepThumbnails(layer, side, thumbnails(context, await context.weights(layer), side));
      found.forEach((thumb, place) => {
        const at = places.get(`${layer}/${context.heads[place]}`);
        drawCell(context, picture, thumb, { ...cells[at], side, ...boxOf(at) });
      });
    }
    labels(context, picture, cells, { left, top, side, count, high, sorted });
    if (!sorted) picture.frozen = { left: left - 2, top: top - 2 };
    const canvas = context.canvas(GridView);
    const box = context.scrolling(canvas, picture, "All layers and heads: arrow keys move, Enter opens the head, Shift and arrows move the picture, + and - zoom", targetOf(context, places, boxOf, side));
    box.addEventListener("keydown", (event) => keys(event, context, { cells, count }));
    context.element.append(Dom.make("div", { class: "view-controls" }, Dom.select("Sorted by", orders(context, true), sort, (value) => context.set({ sort: value })),
      Pointing.zoomButtons(context.state.gridzoom, State.ZOOMS.gridzoom, context.zoomBy)), box);
    context.keep = { cells, picture: () => picture };
    context.say(`${context.layers.length} layers of ${context.heads.length} heads${sorted ? `, sorted by ${sort === "difference" ? `Jensen-Shannon divergence (0 to 1), largest first` : sort}; below each its layer·head and its value` : ": one row for each layer, one column for each head"}. Click a head to open it.`);
  }

  /** The place of the head that is chosen. */
  function targetOf(context, places, boxOf, side) {
    const at = places.get(`${context.state.layer}/${context.state.heads.length ? context.state.heads[0] : context.heads[0]}`);
    const { x, y } = boxOf(at || 0);
    return [x - 2, y - 2, x + side + 2, y + side + 16];
  }

  /** The tokens at a place (shares of the side) of a thumbnail, with their weight if each has a pixel of its own. */
  function pairAt({ queries, keys }, { rows, columns, values }, across, down) {
    const [query, key] = [Math.floor(down * queries.length), Math.floor(across * keys.length)];
    if (!queries[query] || !keys[key]) return "";
    const whole = rows === queries.length && columns === keys.length;
    return `${queries[query].name} → ${keys[key].name}${whole ? ` ${values[query * columns + key].toFixed(3)}` : ""}`;
  }

  function drawCell(context, picture, thumb, cell) {
    const { colours, state } = context;
    picture.image(cell.x, cell.y, cell.side, cell.side, thumb.columns, thumb.rows, Palette.pixels(thumb.values, colours, state.scale));
    const current = cell.layer === state.layer && (state.heads.length === 0 || state.heads.includes(cell.head));
    picture.rect(cell.x - 1, cell.y - 1, cell.side + 2, cell.side + 2, { colour: current ? colours.accent : colours.line, stroke: current ? 3 : 1 });
    const name = `layer ${cell.layer}, head ${cell.head}${cell.value === undefined ? "" : ` (${cell.value.toFixed(3)})`}`;
    picture.hit(cell.x, cell.y, cell.side, cell.side, (x, y) => `${name}: ${pairAt(context, thumb, (x - cell.x) / cell.side, (y - cell.y) / cell.side)}`, () => open(context, cell.layer, cell.head));
  }

  function labels(context, picture, cells, { left, top, side, count, high, sorted }) {
    const style = { colour: context.colours.soft, size: 12, align: "middle" };
    if (!sorted) {
      const every = side < 18 ? 2 : 1;
      context.heads.forEach((head, place) => { if (place % every === 0) picture.text(left + place * (side + GAP) + side / 2, top - 11, String(head), { ...style, pin: "y" }); });
      context.layers.forEach((layer, row) => picture.text(left - 8, top + row * high + side / 2, String(layer), { ...style, align: "end", pin: "x" }));
      picture.text(2, top - 11, "L \\ H", { ...style, align: "start", size: 10, pin: "xy" });
      return;
    }
    cells.forEach((cell, at) => {
      const x = left + (at % count) * (side + GAP) + side / 2;
      const text = side > 60 ? `${cell.layer}·${cell.head}  ${cell.value.toFixed(2)}` : `${cell.layer}·${cell.head}`;
      picture.text(x, top + Math.floor(at / count) * high + side + 9, text, { ...style, size: 10, most: side + GAP });
    });
  }

  /** Opens a head; where heads are sorted by their difference, its comparison. */
  function open(context, layer, head) {
    if (sortOf(context, true) === "difference") context.set({ view: "compare", layer, heads: [head] });
    else context.set({ view: "heads", layer, heads: [head], mode: "each" });
  }

  /** Arrow keys move to the head that stands there, Enter opens it. */
  function keys(event, context, { cells, count }) {
    const { layer, heads } = context.now();
    const head = heads.length ? heads[0] : context.heads[0];
    const at = cells.findIndex((cell) => cell.layer === layer && cell.head === head);
    const steps = { ArrowDown: count, ArrowUp: -count, ArrowRight: 1, ArrowLeft: -1 };
    if (event.key === "Enter") open(context, layer, head);
    else if (event.key in steps) {
      const there = at + steps[event.key];
      const sameRow = Math.floor(there / count) === Math.floor(at / count);
      const next = cells[Math.abs(steps[event.key]) === 1 && count > 1 && !sameRow ? at : there] || cells[at];
      context.moved({ layer: next.layer, heads: [next.head] });
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  function describe(context) {
    return `Small pictures of the attention of ${context.layers.length} layers (rows) and ${context.heads.length} heads (columns); each has queries as rows and keys as columns.`;
  }

  function table(context) {
    const sort = sortOf(context, true);
    return {
      columns: ["layer", "head", ...(sort === "order" ? [] : [sort])],
      rows: context.keep.cells.map((cell) => [cell.layer, cell.head, ...(sort === "order" ? [] : [cell.value])]),
    };
  }

  const hint = "Each picture is a head: rows are the tokens that attend (queries), columns are those that are attended to (keys). Click a head to open it.";

  return { name: "grid", label: "Model grid", hint, draw, describe, table, orders, sortOf };
})();
if (typeof module !== "undefined") module.exports = GridView;
