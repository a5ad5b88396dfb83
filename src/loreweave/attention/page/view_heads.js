const HeadsView = (() => {
  "use strict";

  const ROW = 26;
  const GAP = 22;
  const SINKS = new Set(["special", "separator"]);

  /** Which of the four quadrants an edge is in, or "sink" where a special token takes part. */
  function quadrant(query, key) {
    if (SINKS.has(key.kind) || SINKS.has(query.kind)) return "sink";
    return `${query.isEntity ? "e" : "w"}${key.isEntity ? "e" : "w"}`;
  }

  /** Places of the rows: height of a row, y(place) of a unit's middle, total height. */
  function rows(units, longest) {
    const height = Math.max(11, Math.min(ROW, Math.floor(7600 / Math.max(1, longest))));
    const first = units.findIndex((unit) => unit.isEntity);
    const top = (place) => place * height + (first > 0 && place >= first ? GAP : 0);
    return { height, first, top, y: (place) => top(place) + height / 2, total: units.length * height + (first > 0 ? GAP : 0) };
  }

  function edgesOf(context, weights) {
    const { state, queries, keys } = context;
    const limits = { share: state.share / 100, least: state.least, top: state.top };
    if (state.mode !== "each") return Edges.choose(weights.together(context.headPlaces, state.mode), queries.length, keys.length, limits);
    const heads = context.headPlaces.length ? context.headPlaces : context.heads.map((_, place) => place);
    return heads.flatMap((head) => Edges.choose(weights.one(head), queries.length, keys.length, limits).map((edge) => ({ ...edge, head })));
  }

  /** Weights of the tokens opposite to a group: mean over queries, sum over keys. */
  function opposite(matrix, queries, keys, from, to) {
    if (from.length) return keys.map((_, key) => from.reduce((sum, query) => sum + matrix[query * keys.length + key], 0) / from.length);
    return queries.map((_, query) => to.reduce((sum, key) => sum + matrix[query * keys.length + key], 0));
  }

  /** Lines that share colour and strength are drawn at once. */
  function lines(picture, context, edges, geometry) {
    const groups = new Map();
    for (const edge of edges) {
      const strength = Math.max(1, Math.min(12, Math.ceil(12 * Palette.scaled(edge.weight, context.state.scale))));
      const colour = edge.head === undefined ? context.colours[quadrant(context.queries[edge.query], context.keys[edge.key])]
        : Palette.head(context.heads[edge.head], context.headCount, context.colours.dark);
      const key = `${String(strength).padStart(2, "0")}|${colour}`;
      if (!groups.has(key)) groups.set(key, { strength, colour, ends: [] });
      groups.get(key).ends.push([geometry.left, geometry.from.y(edge.query), geometry.right, geometry.to.y(edge.key)]);
    }
    for (const { strength, colour, ends } of [...groups.values()].sort((a, b) => a.strength - b.strength)) {
      const faint = colour === context.colours.sink ? 0.6 : 1;
      const straight = edges.length > 5000; // thousands of curves take seconds where no graphics card helps
      picture.curves(ends, { straight, colour, alpha: Math.min(1, faint * (0.03 + 1.2 * (strength / 12) ** 1.3)), width: straight ? 1 : 1 + 3 * (strength / 12) ** 2 });
    }
  }

  /** The whole picture with the tokens as text: for files. */
  function labelled(context, edges, geometry) {
    const wide = geometry.column;
    const picture = new Scene.Picture(geometry.gap + 2 * wide, geometry.height);
    lines(picture, context, edges, { ...geometry, left: wide, right: wide + geometry.gap });
    const write = (units, places, x, align) => units.forEach((unit, place) => {
      const size = Math.max(8, Math.min(13, places.height - 3));
      if (unit.isEntity) picture.rect(align === "end" ? 1 : x - 4, places.top(place) + 1, wide - 2, places.height - 2, { round: 8, colour: context.colours.entity });
      const colour = unit.marks.length ? context.colours.entity : SINKS.has(unit.kind) ? context.colours.soft : context.colours.ink;
      picture.text(x, places.y(place), `${unit.badge} ${unit.label}`.trim(), { colour, size, align, bold: unit.isEntity, most: wide - 14 });
    });
    write(context.queries, geometry.from, wide - 6, "end");
    write(context.keys, geometry.to, wide + geometry.gap + 6, "start");
    return picture;
  }

  function geometryOf(context) {
    const longest = Math.max(context.queries.length, context.keys.length);
    const [from, to] = [rows(context.queries, longest), rows(context.keys, longest)];
    const widest = Math.max(...[...context.queries, ...context.keys].map((unit) => Scene.measure(Tokens.shorten(unit.label, 60), 14) + (unit.badge ? 30 : 0) + 28 * unit.marks.length), 60);
    const column = Math.round(Math.min(widest + 66, 260, context.width * 0.36));
    const gap = Math.round(Math.min(context.width - 2 * column, 640));
    return { from, to, column, gap, left: 0, right: gap, height: Math.max(from.total, to.total) };
  }

  function placed(list, places, column) {
    Object.assign(list.style, { width: `${column}px`, height: `${places.total}px` });
    list.tokens.forEach((token, place) => {
      Object.assign(token.style, { top: `${places.top(place)}px`, height: `${places.height - 2}px`, fontSize: `${Math.max(9, Math.min(14, places.height - 4))}px` });
    });
    if (places.first > 0) {
      const rule = Dom.make("div", { class: "divider", "aria-hidden": "true" }, Dom.make("span", {}, "entities"));
      rule.style.top = `${places.top(places.first) - GAP}px`;
      list.append(rule);
    }
  }

  /** What is shown for a focus (what the pointer is on, or what is pinned). */
  function focused(context, hovered) {
    const pinned = { from: Tokens.unitsAt(context.queries, context.state.from), to: Tokens.unitsAt(context.keys, context.state.to) };
    if (hovered) return { from: [], to: [], [hovered.side]: [hovered.place] };
    return pinned;
  }

  function painter(context, weights, edges, geometry, parts) {
    const combined = weights.together(context.headPlaces, context.state.mode === "max" ? "max" : "mean");
    return (hovered) => {
      const { from, to } = focused(context, hovered);
      const shown = edges.filter((edge) => (!from.length || from.includes(edge.query)) && (!to.length || to.includes(edge.key)));
      const drawn = Edges.strongest(shown);
      const picture = new Scene.Picture(geometry.gap, geometry.height);
      lines(picture, context, drawn, geometry);
      Scene.paint(parts.canvas, picture, null);
      const values = from.length || to.length ? opposite(combined, context.queries, context.keys, from, to) : null;
      Lists.shade(parts.to, from.length ? values : null, "to");
      Lists.shade(parts.from, from.length || !to.length ? null : values, "from");
      parts.shown = { edges: drawn, all: shown.length, from, to };
      context.say(readout(context, combined, from, to, drawn.length, shown.length));
    };
  }

  function readout(context, matrix, from, to, drawn, all) {
    const where = `${context.layerName}, ${context.combinedName}`;
    const names = (units, places) => places.map((place) => units[place].name).slice(0, 4).join(" + ") + (places.length > 4 ? " + ..." : "");
    if (from.length && to.length) {
      const sum = opposite(matrix, context.queries, context.keys, from, []);
      return `${where}: ${names(context.queries, from)} to ${names(context.keys, to)}: ${to.reduce((total, key) => total + sum[key], 0).toFixed(3)}`;
    }
    if (from.length || to.length) {
      const values = opposite(matrix, context.queries, context.keys, from, to);
      const units = from.length ? context.keys : context.queries;
      const best = values.map((value, place) => [value, place]).sort((a, b) => b[0] - a[0]).slice(0, 3).filter(([value]) => value > 0);
      const list = best.map(([value, place]) => `${units[place].name} ${value.toFixed(3)}`).join(", ") || "nothing";
      return `${where}: ${from.length ? `${names(context.queries, from)} attends to ${list}` : `${names(context.keys, to)} is attended to by ${list}`}`;
    }
    return `${context.layerName}, ${context.headsName}: ${drawn} lines${all > drawn ? ` (the strongest of ${all})` : ""}. Hover over a token for numbers; click to pin it.`;
  }

  async function draw(context) {
    const weights = await context.weights(context.state.layer);
    const edges = edgesOf(context, weights);
    const geometry = geometryOf(context);
    const parts = { canvas: context.canvas(HeadsView) };
    let paint = () => {};
    const list = (side, units) => Lists.list({
      units, side, label: side === "from" ? "Query tokens" : "Key tokens", className: side,
      selected: new Set(Tokens.unitsAt(units, context.state[side])), onPick: (place, how) => context.pick(side, place, how),
      onHover: (place) => paint(place === null ? null : { side, place }),
      onCross: (place) => Lists.focus(parts[side === "from" ? "to" : "from"].tokens, Math.min(place, parts[side === "from" ? "to" : "from"].tokens.length - 1)),
    });
    parts.from = list("from", context.queries);
    parts.to = list("to", context.keys);
    placed(parts.from, geometry.from, geometry.column);
    placed(parts.to, geometry.to, geometry.column);
    const [fromSide, toSide] = Kinds.sides(context.example);
    const head = (text) => Dom.make("div", { class: "column-name", style: { width: `${geometry.column}px` } }, text);
    context.element.append(await Summary.draw(context, weights), legend(context),
      Dom.make("div", { class: "columns names" }, head(`from ${fromSide}(query)`), Dom.make("div", { style: { width: `${geometry.gap}px` } }), head(`to ${toSide}(key)`)),
      Dom.make("div", { class: "columns" }, parts.from, parts.canvas, parts.to));
    paint = painter(context, weights, edges, geometry, parts);
    paint(null);
    context.keep = { parts, picture: () => labelled(context, parts.shown.edges, geometry) };
  }

  function legend(context) {
    const entries = context.state.mode === "each" ? [] : [["ww", "word to word"]];
    if (context.state.mode !== "each" && context.queries.concat(context.keys).some((unit) => unit.isEntity)) entries.push(["we", "word to entity"], ["ew", "entity to word"], ["ee", "entity to entity"]);
    if (context.state.mode !== "each") entries.push(["sink", "from or to special tokens"]);
    else entries.push(["sink", "one colour for each head, as in the list of heads"]);
    return Dom.make("p", { class: "legend" }, entries.map(([name, text]) => Dom.make("span", {}, Dom.make("i", { class: `swatch ${name}`, "aria-hidden": "true" }), text)),
      Dom.make("span", {}, "stronger line = more weight"));
  }

  function describe(context) {
    return `Lines from ${context.queries.length} tokens on the left to ${context.keys.length} tokens on the right, ${context.layerName}, ${context.headsName}. The token lists beside the picture give the numbers.`;
  }

  function table(context) {
    const edges = context.keep.parts.shown.edges.slice().reverse();
    return {
      columns: ["layer", "head", "from", "from position", "to", "to position", "weight"],
      rows: edges.map((edge) => [context.state.layer, edge.head === undefined ? context.state.mode : context.heads[edge.head], context.queries[edge.query].name,
        context.queries[edge.query].positions.join(" "), context.keys[edge.key].name, context.keys[edge.key].positions.join(" "), edge.weight]),
    };
  }

  const hint = "Each line goes from a token (left) to a token that it attends to (right). Hover over a token for numbers, and click to pin it (Shift: a range, Ctrl: add).";

  return { name: "heads", label: "Heads", hint, draw, describe, table, quadrant };
})();
if (typeof module !== "undefined") module.exports = HeadsView;
