const LayersView = (() => {
  "use strict";

  /** Pairs that are shown if none is chosen: each of the first entities to its mention, otherwise the first two words. */
  function firstPairs(context) {
    const { example, queries } = context;
    const tokens = example.queries;
    const entities = example.keys ? [] : (example.entities || []).filter((entity) => (entity.words || []).length && context.classes[tokens.class[entity.row]] === "entity");
    if (entities.length) return entities.slice(0, 2).map((entity) => [[entity.row], entity.words]);
    const word = (units, number) => (units.filter((unit) => unit.kind === "word" || unit.kind === "mention")[number] || units[Math.min(number, units.length - 1)]).positions;
    return queries.length && context.keys.length ? [[word(queries, 0), word(context.keys, 1)]] : [];
  }

  /** Weights of pairs through the layers: list over pairs of lists over layers of lists over heads. */
  async function through(store, number, layers, headCount, pairs) {
    const result = pairs.map(() => []);
    for (const layer of layers) {
      const decoded = await store.layer(number, layer);
      pairs.forEach(([from, to], pair) => result[pair].push(Array.from({ length: headCount }, (_, head) => decoded.group(head, from, to))));
    }
    return result;
  }

  function plot(context, picture, values, names) {
    const { colours, layers } = context;
    const used = Chart.legend(picture, colours, names.map((name, at) => ({ name, colour: colours.series[at % colours.series.length] })), 8, 4, picture.width - 16);
    const most = Math.max(0.01, ...values.flat(2));
    const place = Chart.frame(picture, colours, { x: 0, y: used + 4, width: picture.width, height: picture.height - used - 4, xs: layers, most, xLabel: "layer" });
    values.forEach((byLayer, pair) => {
      const colour = colours.series[pair % colours.series.length];
      const spreads = byLayer.map(Analysis.spread);
      Chart.band(picture, place, spreads.map((one, at) => [layers[at], one.least, one.most]), colour, 0.08);
      Chart.band(picture, place, spreads.map((one, at) => [layers[at], one.low, one.high]), colour, 0.16);
      byLayer.forEach((heads, at) => heads.forEach((weight, head) => dot(context, picture, place, { weight, head, layer: layers[at], colour, pair, count: values.length, name: names[pair] })));
      Chart.line(picture, place, { values: spreads.map((one, at) => [layers[at], one.mean]), colour, number: pair });
    });
    const at = place.x(context.state.layer);
    picture.line(at, place.top, at, place.bottom, { colour: colours.accent, width: 1, dash: [3, 3] });
  }

  function dot(context, picture, place, one) {
    const x = place.x(one.layer) + (one.pair - (one.count - 1) / 2) * 6;
    const y = place.y(one.weight);
    picture.mark(x, y, 2.2, Chart.SHAPES[one.pair % 4], { fill: one.colour, alpha: 0.55 });
    picture.hit(x - 5, y - 5, 10, 10, `${one.name}: layer ${one.layer}, head ${context.heads[one.head]}: ${one.weight.toFixed(3)}`,
      () => context.set({ view: "heads", layer: one.layer, heads: [context.heads[one.head]], mode: "each" }));
  }

  function picker(context, pairs, number, side) {
    const units = side ? context.keys : context.queries;
    const chosen = Tokens.unitsAt(units, pairs[number][side]);
    const choices = units.map((unit, at) => [at, `${unit.name} (${unit.positions[0]})`]);
    if (chosen.length !== 1) choices.unshift([-1, Tokens.nameOf(units, pairs[number][side])]);
    return Dom.select(side ? "to" : "from", choices, chosen.length === 1 ? chosen[0] : -1, (value) => {
      if (Number(value) < 0) return;
      const next = structuredClone(pairs);
      next[number][side] = units[Number(value)].positions;
      context.set({ pairs: next });
    }, `pair ${number} ${side ? "to" : "from"}`);
  }

  function controls(context, pairs) {
    const { state } = context;
    const rows = pairs.map((pair, number) => Dom.make("div", { class: "pair", role: "group", "aria-label": `Pair ${number + 1}` }, picker(context, pairs, number, 0), picker(context, pairs, number, 1),
      context.example.keys ? null : Dom.button("⇄", () => context.set({ pairs: pairs.map((one, at) => (at === number ? [one[1], one[0]] : one)) }), { title: `Swap pair ${number + 1}`, "aria-label": `Swap pair ${number + 1}` }),
      pairs.length > 1 ? Dom.button("✕", () => context.set({ pairs: pairs.filter((_, at) => at !== number) }), { title: `Remove pair ${number + 1}`, "aria-label": `Remove pair ${number + 1}` }) : null));
    const selected = state.from.length && state.to.length;
    return Dom.make("div", { class: "pairs" }, rows, Dom.make("div", { class: "view-controls" },
      Dom.button("Add a pair", () => context.set({ pairs: [...pairs, structuredClone(pairs.at(-1))] })),
      Dom.button("Add what is pinned", () => context.set({ pairs: [...(state.pairs.length ? pairs : []), [state.from, state.to]] }), { disabled: !selected, title: "Adds the pinned tokens as a pair: mean over the queries, sum over the keys" })));
  }

  async function draw(context) {
    const pairs = context.state.pairs.length ? context.state.pairs : firstPairs(context);
    if (!pairs.length) {
      context.element.append(Dom.make("p", {}, "No token is shown: show special tokens or punctuation again."));
      context.keep = { values: [], names: [], picture: () => new Scene.Picture(1, 1) };
      return;
    }
    const names = pairs.map(([from, to]) => `${Tokens.nameOf(context.queries, from)} → ${Tokens.nameOf(context.keys, to)}`);
    const values = await through(context.store, context.number, context.layers, context.heads.length, pairs);
    const picture = new Scene.Picture(Math.min(context.width, 1100), 420);
    plot(context, picture, values, names);
    const canvas = context.canvas(LayersView);
    Scene.paint(canvas, picture, null);
    context.element.append(controls(context, pairs), context.interactive(canvas, picture, "Weights through the layers"),
      Dom.make("p", { class: "legend" }, "Dots: single heads. Line: their mean. Dark band: the middle half of the heads; pale band: all of them. A click on a dot opens the head."));
    context.keep = { values, names, picture: () => picture };
    const means = values.map((byLayer) => byLayer.map((heads) => Analysis.spread(heads).mean));
    context.say(names.map((name, at) => `${name}: strongest in layer ${context.layers[means[at].indexOf(Math.max(...means[at]))]} (mean of heads ${Math.max(...means[at]).toFixed(3)})`).join("; "));
  }

  function describe(context) {
    return `Weight of ${context.keep ? context.keep.names.join("; ") : "pairs of tokens"} in every head, by layer, with the mean over heads.`;
  }

  function table(context) {
    const { values, names } = context.keep;
    const rows = values.flatMap((byLayer, pair) => byLayer.map((heads, at) => [names[pair], context.layers[at], Analysis.spread(heads).mean, ...heads]));
    return { columns: ["pair", "layer", "mean of heads", ...context.heads.map((head) => `head ${head}`)], rows };
  }

  const hint = "The weight from one token to another in every layer. Choose the tokens in the lists.";

  return { name: "layers", label: "Through the layers", hint, draw, describe, table, through, firstPairs };
})();
if (typeof module !== "undefined") module.exports = LayersView;
