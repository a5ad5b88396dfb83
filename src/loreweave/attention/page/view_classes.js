const ClassesView = (() => {
  "use strict";

  const SHOWS = [["flow", "flow between classes"], ["quadrants", "words and entities"], ["grounding", "entities and their mentions"]];
  const PARTS = [["own", "own mention"], ["others", "other mentions"], ["context", "other words"], ["entities", "entities"], ["rest", "special tokens and markers"]];

  /** Mean attention of the chosen heads, layer by layer: list of {decoded, matrix, width}. */
  async function means(context) {
    const found = [];
    for (const layer of context.layers) {
      const decoded = await context.store.layer(context.number, layer);
      found.push({ decoded, matrix: decoded.mean(context.headPlaces), width: decoded.keys });
    }
    return found;
  }

  /** Flow by layer between the groups that `part` makes of the tokens: {from, to: names, rows: [layer][from][to], sizes}. */
  function flows(context, layers, part, lifted) {
    const from = part(context.example.queries, context.classes);
    const to = part(context.example.keys || context.example.queries, context.classes);
    const rows = layers.map(({ decoded, matrix, width }) => {
      const flow = Analysis.flow(matrix, width, from, to);
      return lifted ? Analysis.lift(flow, decoded, from, to) : flow;
    });
    return { from: [...from.keys()], to: [...to.keys()], rows };
  }

  function panels(context, count) {
    const columns = Math.max(1, Math.min(count, Math.floor(context.width / 330)));
    const width = Math.min(520, Math.floor(context.width / columns));
    return { columns, width, height: 230, place: (at) => ({ x: (at % columns) * width, y: Math.floor(at / columns) * 236, width, height: 230 }), rows: Math.ceil(count / columns) };
  }

  function legend(context, names, area) {
    const { series } = context.colours;
    return names.map((name, at) => ({ name, area, colour: series[at % series.length] }));
  }

  /** One plot of lines or stacked areas by layer. values: [layer][series]. */
  function plot(context, picture, box, title, names, values, stacked) {
    const { colours, layers } = context;
    const most = stacked ? 1 : Math.max(0.01, ...values.flat());
    const place = Chart.frame(picture, colours, { ...box, title, xs: layers, most, xLabel: "layer" });
    const low = layers.map(() => 0);
    names.forEach((name, at) => {
      const colour = colours.series[at % colours.series.length];
      if (!stacked) {
        Chart.line(picture, place, { values: layers.map((layer, row) => [layer, values[row][at]]), colour, number: at });
      } else {
        const band = layers.map((layer, row) => [layer, low[row], low[row] + values[row][at]]);
        band.forEach(([, , high], row) => { low[row] = high; });
        if (layers.length > 1) Chart.band(picture, place, band, colour, 0.85);
        else picture.rect(place.x(layers[0]) - 20, place.y(band[0][2]), 40, place.y(band[0][1]) - place.y(band[0][2]), { fill: colour });
      }
      layers.forEach((layer, row) => {
        const middle = place.y(stacked ? low[row] - values[row][at] / 2 : values[row][at]);
        const high = stacked ? Math.max(2, (values[row][at] * (place.bottom - place.top)) / place.most) : 12;
        picture.hit(place.x(layer) - 8, middle - high / 2, 16, high, `${title} → ${name}, layer ${layer}: ${values[row][at].toFixed(3)}`, () => context.set({ layer }));
      });
    });
    const at = place.x(context.state.layer);
    picture.line(at, place.top, at, place.bottom, { colour: colours.ink, width: 1, dash: [3, 3] });
  }

  function many(context, groups, stacked) {
    const { from, to, rows } = groups;
    const box = panels(context, from.length);
    const picture = new Scene.Picture(box.columns * box.width, box.rows * 236 + 70);
    const used = Chart.legend(picture, context.colours, legend(context, to, stacked), 8, 4, picture.width - 16);
    picture.height = used + box.rows * 236 + 8;
    from.forEach((name, at) => {
      const place = box.place(at);
      plot(context, picture, { ...place, y: place.y + used + 4 }, `from ${name}`, to, rows.map((layer) => layer[at]), stacked);
    });
    return picture;
  }

  function grounded(context, layers) {
    const entities = (context.example.entities || []).map((entity, number) => number)
      .filter((number) => !context.example.keys && context.classes[context.example.queries.class[context.example.entities[number].row]] === "entity");
    const names = [...PARTS.map(([, name]) => name), "mention words to the entity"];
    const from = entities.map((number) => `E${number + 1} ${Tokens.shorten(Tokens.visible(Tokens.entityLabel(context.example, number)), 30)}`);
    const rows = layers.map(({ matrix, width }) => entities.map((number) => {
      const shares = Analysis.grounding(matrix, width, context.example, number, context.classes);
      return [...PARTS.map(([name]) => shares[name]), shares.back];
    }));
    return { from, to: names, rows };
  }

  /** What can be shown: only the flow between classes where there are no entities. */
  function shows(context) {
    const { queries, keys } = context.example;
    const entities = [queries, keys].some((side) => side && side.class.some((number) => context.classes[number] === "entity"));
    return SHOWS.filter(([name]) => name === "flow" || (entities && !(keys && name === "grounding")));
  }

  function controls(context, show) {
    const { state } = context;
    const choices = shows(context);
    return Dom.make("div", { class: "view-controls" }, choices.length > 1 ? Dom.select("Show", choices, show, (value) => context.set({ show: value })) : null,
      show === "grounding" ? null : Dom.toggle("relative to uniform attention", state.lift, (lift) => context.set({ lift }), "Divides each share by the share with equal weights on all tokens that a token sees; 1 is uniform attention"));
  }

  async function draw(context) {
    const { state } = context;
    const show = shows(context).some(([name]) => name === state.show) ? state.show : "flow";
    const [fromSide, toSide] = Kinds.sides(context.example).map((side) => (side && context.example.keys ? ` (${side.trim()})` : ""));
    context.element.append(controls(context, show));
    const layers = await means(context);
    const groups = show === "grounding" ? grounded(context, layers)
      : flows(context, layers, show === "quadrants" ? Analysis.halves : Analysis.members, state.lift);
    groups.from = groups.from.map((name) => name + fromSide);
    groups.to = groups.to.map((name) => name + toSide);
    const here = context.layers.indexOf(state.layer);
    context.keep = { groups, picture: () => picture };
    const stacked = show === "flow" && !state.lift;
    const picture = many(context, groups, stacked);
    const canvas = context.canvas(ClassesView);
    Scene.paint(canvas, picture, null);
    const rows = groups.from.map((name, at) => [name, ...groups.rows[here][at]]);
    context.element.append(context.interactive(canvas, picture, "Flow between classes by layer"),
      Dom.make("div", { class: "table-box" }, Dom.table(["from \\ to", ...groups.to], rows, `${context.layerName}, ${context.meanName}: ${state.lift && show !== "grounding" ? "weight relative to uniform attention (1)" : "share of the weight"}`)));
    context.say(`${context.layerName}: ${groups.from.slice(0, 4).map((name, at) => strongest(name, groups, groups.rows[here][at])).join("; ")}`);
  }

  function strongest(name, groups, row) {
    const best = row.indexOf(Math.max(...row));
    return `${name} → ${groups.to[best]} ${row[best].toFixed(2)}`;
  }

  function describe(context) {
    return `Share of attention between groups of tokens by layer: ${context.keep.groups.from.join(", ")}. The numbers are in the tables.`;
  }

  function table(context) {
    const { from, to, rows } = context.keep.groups;
    return { columns: ["layer", "from", ...to], rows: rows.flatMap((byFrom, at) => byFrom.map((values, place) => [context.layers[at], from[place], ...values])) };
  }

  const hint = "How much of the attention of each class of tokens goes to each class, by layer.";

  return { name: "classes", label: "Classes", hint, draw, describe, table };
})();
if (typeof module !== "undefined") module.exports = ClassesView;
