const StatisticsView = (() => {
  "use strict";

  const COLUMNS = [["entropy", "entropy"], ["distance", "distance"], ["largest", "largest weight"], ["self", "on itself"], ["previous", "on the previous token"], ["next", "on the next token"], ["separators", "on special tokens"], ["entities", "on entities"]];

  async function all(context) {
    const rows = [];
    for (const layer of context.layers) {
      const name = `statistics/${context.number}/${layer}`;
      const known = context.memory(name);
      if (!known) {
        const decoded = await context.store.layer(context.number, layer);
        context.memory(name, context.heads.map((head, place) => ({ layer, head, ...Analysis.statistics(decoded, place, context.example, context.classes) })));
      }
      rows.push(...context.memory(name));
    }
    return rows;
  }

  /** The columns that mean something for this example. */
  function columns(context) {
    const names = new Set(Analysis.sensible(context.example, context.classes));
    return COLUMNS.filter(([name]) => names.has(name));
  }

  function scatter(context, picture, rows) {
    const { colours, layers, state } = context;
    const shown = columns(context);
    const [upward, title] = context.example.keys ? ["largest", "Mean of the largest weight, by entropy"] : ["distance", "Mean distance in tokens, by entropy"];
    const masked = context.example.attention.reach; // a decoder, or windows of attention
    const most = Math.max(0.1, ...rows.map((row) => row[upward]));
    const place = Chart.frame(picture, colours, { x: 0, y: 0, width: picture.width, height: picture.height - 24, xs: [0, 1], xTicks: [0, 0.25, 0.5, 0.75, 1], most, xLabel: `entropy (0: one key, 1: uniform over ${masked ? "the keys that a token sees" : "all keys"})`, title });
    for (const row of rows) {
      const share = layers.length > 1 ? layers.indexOf(row.layer) / (layers.length - 1) : 0.5;
      const [x, y] = [place.x(Math.min(1, row.entropy)), place.y(row[upward])];
      const here = row.layer === state.layer;
      picture.mark(x, y, here ? 6 : 5, here ? "square" : "circle", { fill: Palette.css(Palette.along(colours.stops, 0.25 + 0.75 * share)), colour: here ? colours.accent : colours.soft, width: here ? 2.5 : 1, stroke: 2.5, alpha: 0.9 });
      picture.hit(x - 6, y - 6, 12, 12, `layer ${row.layer}, head ${row.head}: ${shown.map(([name, text]) => `${text} ${row[name].toFixed(2)}`).join(", ")}`, () => open(context, row));
    }
    const first = colours.dark ? "darker" : "paler";
    picture.text(8, picture.height - 10, `${first}: first layers · squares: ${context.layerName} · click opens a head`, { colour: colours.soft, size: 12, most: picture.width - 16 });
  }

  function open(context, row) {
    context.set({ view: "heads", layer: row.layer, heads: [row.head], mode: "each" });
  }

  function sorted(context, rows) {
    const sort = GridView.sortOf(context);
    if (sort === "order") return rows;
    return rows.slice().sort((a, b) => (sort === "entropy" ? a.entropy - b.entropy : b[sort] - a[sort]));
  }

  async function draw(context) {
    const rows = sorted(context, await all(context));
    const picture = new Scene.Picture(Math.min(context.width, 900), 420);
    scatter(context, picture, rows);
    const canvas = context.canvas(StatisticsView);
    Scene.paint(canvas, picture, null);
    context.keep = { rows, picture: () => picture };
    const list = Tables.paged(table(context), context.tablePlace("heads"), "Statistics of all heads",
      ([layer, head]) => ({ title: `Open layer ${layer}, head ${head}`, act: () => open(context, { layer, head }) }));
    context.element.append(context.interactive(canvas, picture, "Entropy and distance of every head"),
      Dom.make("div", { class: "view-controls" }, Dom.select("Sorted by", GridView.orders(context), GridView.sortOf(context), (sort) => context.set({ sort }))), list);
    const by = (name) => rows.reduce((best, row) => (row[name] > best[name] ? row : best), rows[0]);
    const said = (text, name) => `${text}: layer ${by(name).layer}, head ${by(name).head} (${by(name)[name].toFixed(2)})`;
    const names = columns(context).map(([name]) => name);
    const facts = [["Most on special tokens", "separators"], ["most on entities", "entities"], ["farthest", "distance"], ["largest weight", "largest"]];
    context.say(`${facts.filter(([, name]) => names.includes(name)).slice(0, 3).map(([text, name]) => said(text, name)).join("; ")}.`);
  }

  function describe(context) {
    return `Scatter plot of ${context.keep.rows.length} heads: mean entropy from left to right, ${context.example.keys ? "largest weight" : "mean distance"} from bottom to top. The table below has the numbers.`;
  }

  function table(context) {
    const shown = columns(context);
    return { columns: ["layer", "head", ...shown.map(([, name]) => name)], rows: context.keep.rows.map((row) => [row.layer, row.head, ...shown.map(([name]) => row[name])]) };
  }

  const hint = "Each mark is a head. Click it to open the head.";

  return { name: "statistics", label: "Head statistics", hint, draw, describe, table };
})();
if (typeof module !== "undefined") module.exports = StatisticsView;
