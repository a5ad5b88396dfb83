const RelevanceView = (() => {
  "use strict";

  const LINE = 30;

  /** Rows of gradients have no common sum: either the shades compare the rows, or each row has its own darkest shade. */
  const SHADES = [["all", "all tokens"], ["row", "this token"]];

  /**
   * The row to read: the chosen one, otherwise that of the first entity, otherwise the one of largest relevance, which is the
   * one that the head of the model reads; without relevance the first one. Heads read a marker or a start token if there are markers.
   */
  async function rowOf(context) {
    const { state, example, queries, number, store } = context;
    if (state.row >= 0) return state.row;
    const decodes = ["decoder", "cross"].includes(example.kind);
    const first = queries.find((unit) => unit.isEntity || (decodes && unit.kind === "word"));
    if (first || !(example.relevance || []).length) return (first || queries[0]).positions[0];
    const width = example.relevance[state.label].shape[1];
    const matrix = await store.relevance(number, state.label);
    const marked = queries.some(({ kind }) => kind === "marker");
    const read = queries.filter(({ kind }) => !marked || kind === "marker" || kind === "special").flatMap(({ positions }) => positions);
    const sums = read.map((row) => matrix.subarray(row * width, (row + 1) * width).reduce((sum, value) => sum + value, 0));
    return read[sums.indexOf(Math.max(...sums))];
  }

  /** Values of positions as values of the shown keys (sums over sub-words). */
  function shown(values, keys) {
    return keys.map((unit) => unit.positions.reduce((sum, at) => sum + values[at], 0));
  }

  /** Rollout through encoder and decoder, for a page with all three kinds of attention of an encoder-decoder; else null. */
  async function throughBoth(context, row) {
    const { data, example, store } = context;
    const group = Kinds.groupOf(data, context.number);
    if (!["decoder", "cross"].includes(example.kind) || !["encoder", "decoder", "cross"].every((kind) => group.has(kind))) return null;
    const of = (kind) => data.examples[group.get(kind)].attention;
    if (String(of("decoder").layers) !== String(of("cross").layers)) return null;
    const sizes = { decoder: of("decoder").shape[2], encoder: of("encoder").shape[2] };
    const layers = { decoder: of("decoder").layers, encoder: of("encoder").layers };
    const found = await Analysis.crossRollout(row, sizes, layers, async (kind, layer) => (await store.layer(group.get(kind), layer)).mean([]));
    const side = example.kind === "cross" ? "encoder" : "decoder";
    return { name: "Rollout", note: `of the ${side}, through encoder and decoder; residuals count half`, values: found[side] };
  }

  /** Layers in words; a page may have some of a model only. */
  function layersName(layers) {
    const [first, last] = [layers[0], layers.at(-1)];
    if (layers.length === 1) return `layer ${first}`;
    return last - first === layers.length - 1 ? `the layers ${first} to ${last}` : `the layers ${layers.join(", ")}`;
  }

  /** Largest value of any token of a matrix [queries * width], as the shown keys have them. */
  function largest(context, matrix, width) {
    return Math.max(...context.queries.flatMap(({ positions }) => positions.map((row) => Math.max(...shown(matrix.subarray(row * width, (row + 1) * width), context.keys)))));
  }

  /** The strips: [{name, note, values, most}], those that this example has; most: the value of the darkest shade, if it is not the largest. */
  async function strips(context, row) {
    const { state, example, store, number, layers } = context;
    const layer = await store.layer(number, state.layer);
    const mean = layer.mean(context.headPlaces);
    const found = [{ name: "Attention", note: `${context.layerName}, ${context.meanName}`, values: mean.subarray(row * layer.keys, (row + 1) * layer.keys) }];
    const through = await throughBoth(context, row);
    if (through) found.push(through);
    else if (!example.keys && layer.queries === layer.keys) {
      const values = await Analysis.rollout(row, layer.keys, layers, async (one) => (await store.layer(number, one)).mean([]));
      found.push({ name: "Rollout", note: `through ${layersName(layers)}; the residual counts half`, values });
    }
    for (const place of (example.relevance || []).length ? [state.label] : []) {
      const width = example.relevance[place].shape[1];
      const matrix = await store.relevance(number, place);
      found.push({ name: "Gradient × attention", note: `for the label ${example.relevance[place].label}`, values: matrix.subarray(row * width, (row + 1) * width), most: state.shade === "all" ? largest(context, matrix, width) : undefined });
    }
    return found.map((strip) => ({ ...strip, values: shown(strip.values, context.keys) }));
  }

  /** Draws one strip of tokens, wrapped, from y on; returns the y after it. */
  function strip(context, picture, one, y) {
    const { keys, colours, state } = context;
    const own = Math.max(...one.values);
    const most = Math.max(one.most ?? own, 1e-12);
    picture.text(6, y + 12, one.name, { colour: colours.ink, size: 15, bold: true });
    const [below, beside] = picture.width < 600 ? [18, 6] : [0, 14 + Scene.measure(one.name, 15, true)];
    const darkest = `${colours.dark ? "brightest" : "darkest"}: ${Dom.small(one.most ?? own)}`;
    const note = `${one.note} · ${one.most === undefined ? darkest : `${darkest} (largest of all tokens); largest here: ${Dom.small(own)}`}`;
    const lines = Scene.wrap(note, picture.width - beside - 6);
    lines.forEach((text, at) => picture.text(beside, y + 12 + below + 16 * at, text, { colour: colours.soft, size: 12, most: picture.width - beside - 6 }));
    const shift = below + 16 * (lines.length - 1);
    let [left, top] = [6, y + 26 + shift];
    keys.forEach((unit, at) => {
      const label = Tokens.shorten(`${unit.badge} ${unit.label}`.trim(), 30);
      const text = Scene.fit(label, picture.width - 34, 14);
      const wide = Scene.measure(text, 14, unit.isEntity) + 14;
      if (left > 6 && left + wide > picture.width - 6) [left, top] = [6, top + LINE];
      const share = Palette.scaled(Math.max(0, one.values[at]) / most, state.scale);
      picture.rect(left, top, wide, LINE - 5, { fill: Palette.css(Palette.along(colours.stops, share)), colour: unit.isEntity || unit.marks.length ? colours.entity : colours.line, stroke: unit.isEntity ? 2 : 1, round: unit.isEntity ? 12 : 4 });
      picture.text(left + wide / 2, top + (LINE - 5) / 2, text, { colour: Palette.inkOn(colours, share), size: 14, align: "middle", bold: unit.isEntity });
      picture.hit(left, top, wide, LINE - 5, `${unit.name}: ${Dom.small(one.values[at])}`, context.example.keys ? null : () => context.set({ row: unit.positions[0] }));
      left += wide + 4;
    });
    return top + LINE + 16;
  }

  function controls(context, row) {
    const { queries, state, example } = context;
    const here = Tokens.unitsAt(queries, [row])[0];
    const choices = queries.map((unit, at) => [at, `${unit.name} (${unit.positions[0]})`]);
    const labels = (example.relevance || []).map((one, at) => [at, one.label]);
    return Dom.make("div", { class: "view-controls" }, Dom.select("Contributions to", choices, here === undefined ? 0 : here, (at) => context.set({ row: queries[Number(at)].positions[0] })),
      labels.length ? [Dom.select("label", labels, state.label, (label) => context.set({ label: Number(label) })), Dom.select("Shades of gradients by", SHADES, state.shade, (shade) => context.set({ shade }))] : Dom.make("span", { class: "legend" }, "Gradient × attention was not captured for this example."), MatrixView.scaleBar(context, context.colours.dark ? "brightest" : "darkest"));
  }

  async function draw(context) {
    if (!context.queries.length || !context.keys.length) {
      context.keep = { strips: [], row: 0, picture: () => new Scene.Picture(1, 1) };
      context.element.append(Dom.make("p", {}, "No token is shown."));
      return;
    }
    const row = await rowOf(context);
    const found = await strips(context, row);
    const picture = new Scene.Picture(context.width - 4, 10);
    let y = 8;
    for (const one of found) y = strip(context, picture, one, y);
    picture.height = y;
    const canvas = context.canvas(RelevanceView);
    Scene.paint(canvas, picture, null);
    context.element.append(controls(context, row), context.interactive(canvas, picture, "Tokens coloured by their contributions"));
    context.keep = { strips: found, row, picture: () => picture };
    context.say(`For ${Tokens.nameOf(context.queries, [row])}: ${found.map((one) => `${one.name}: ${best(context, one)}`).join("; ")}`);
  }

  function best(context, one) {
    const order = one.values.map((value, at) => [value, at]).sort((a, b) => b[0] - a[0]).slice(0, 2);
    return order.map(([value, at]) => `${context.keys[at].name} ${Dom.small(value)}`).join(", ");
  }

  function describe(context) {
    return `Strips of the tokens, coloured by ${context.keep.strips.map((one) => one.name).join(", ")}. The numbers are in the table.`;
  }

  function table(context) {
    const { strips: found } = context.keep;
    const rows = context.keys.map((unit, at) => [unit.name, ...found.map((one) => one.values[at])]);
    return { columns: ["token", ...found.map((one) => `${one.name} (${one.note})`)], rows };
  }

  const hint = "How much each token contributes to the chosen token: in one layer, through the layers, and for a predicted label. Click a token to choose it.";

  return { name: "relevance", label: "Relevance", hint, rowOf, draw, describe, table };
})();
if (typeof module !== "undefined") module.exports = RelevanceView;
