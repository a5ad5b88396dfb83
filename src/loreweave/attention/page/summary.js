const Summary = (() => {
  "use strict";

  const NAMES = { self: "itself", mention: "own mention", word: "other words", entity: "entities", special: "special tokens" };

  /** Whether a key belongs to the mention of a query: of an entity, or of a word of a mention. */
  const owns = (query, key) => (query.isEntity ? key.mentions.includes(query.entity) : query.mention > 0 && key.mention === query.mention);

  /** Mean shares of the weight of the given query places: {self, mention, word, entity, special}, over units. */
  function shares(matrix, queries, keys, places, own = owns) {
    const sums = { self: 0, mention: 0, word: 0, entity: 0, special: 0 };
    for (const place of places) {
      keys.forEach((key, at) => {
        const weight = matrix[place * keys.length + at];
        const query = queries[place];
        const same = key.positions[0] === query.positions[0];
        if (same && query.same) sums.self += weight;
        else if (own(query, key)) sums.mention += weight;
        else if (key.isEntity) sums.entity += weight;
        else if (key.kind === "special" || key.kind === "separator") sums.special += weight;
        else sums.word += weight;
      });
    }
    for (const name of Object.keys(sums)) sums[name] /= Math.max(1, places.length);
    return sums;
  }

  const percent = (value) => (value < 0.005 ? "<1 %" : `${Math.round(100 * value)} %`);

  /** The longest text that fits into a part of a bar: name and share, the share, or nothing. */
  function short(name, value, width) {
    return [`${name} ${percent(value)}`, percent(value)].find((text) => Scene.measure(text, 14) + 6 <= value * width) || "";
  }

  /** Names and shares of the parts that are too narrow for them; null: none is. */
  function below(parts, width, names) {
    const narrow = parts.filter(([name, value]) => !short(names[name], value, width).startsWith(names[name]));
    return narrow.length ? Dom.make("div", { class: "legend", "aria-hidden": "true" }, narrow.map(([name, value]) => Dom.make("span", {}, Dom.make("i", { class: `swatch ${name}` }), `${names[name]} ${percent(value)}`))) : null;
  }

  function bar(title, sums, width, names) {
    const parts = Object.entries(sums).filter(([, value]) => value >= 0.0005);
    const text = parts.map(([name, value]) => `${names[name]} ${percent(value)}`).join(", ");
    return Dom.make("div", { class: "summary-row" }, Dom.make("strong", {}, title), Dom.make("div", {},
      Dom.make("div", { class: "bar", role: "img", "aria-label": `${title}: ${text}` }, parts.map(([name, value]) => {
        const share = Dom.make("span", { class: `part ${name}`, title: `${names[name]} ${value.toFixed(3)}` }, short(names[name], value, width));
        share.style.flexGrow = String(value);
        return share;
      })), below(parts, width, names)));
  }

  /** The strongest links between different tokens that are not special. */
  function links(context, matrix, most = 4) {
    const { queries, keys } = context;
    const found = [];
    queries.forEach((query, from) => keys.forEach((key, to) => {
      const same = !context.example.keys && query.positions[0] === key.positions[0];
      if (!same && HeadsView.quadrant(query, key) !== "sink" && query.kind !== "punctuation" && key.kind !== "punctuation") found.push([matrix[from * keys.length + to], from, to]);
    }));
    const best = (list) => list.sort((a, b) => b[0] - a[0]);
    const named = ({ isEntity, mention }) => isEntity || mention > 0;
    const entities = best(found.filter(([, from]) => named(queries[from]))).slice(0, 2);
    const words = best(found.filter(([, from]) => !named(queries[from]))).slice(0, most - entities.length);
    return [...entities, ...words].filter(([weight]) => weight > 0);
  }

  /** Two bars and the strongest links: an overview of a layer. */
  async function draw(context, weights) {
    const { queries, keys } = context;
    const matrix = weights.together(context.headPlaces, "mean");
    queries.forEach((unit) => { unit.same = !context.example.keys; });
    const places = queries.map((_, place) => place);
    const words = places.filter((place) => !queries[place].isEntity && !["special", "separator"].includes(queries[place].kind));
    const entities = places.filter((place) => queries[place].isEntity);
    const mentions = places.filter((place) => queries[place].mention > 0);
    const chips = links(context, matrix).map(([weight, from, to]) => Dom.button(`${queries[from].name} → ${keys[to].name} ${weight.toFixed(2)}`,
      () => context.set({ from: queries[from].positions, to: keys[to].positions }), { class: "chip link", title: "Pin this pair" }));
    const [from, to] = Kinds.sides(context.example);
    const barWidth = context.width < 660 ? context.width : context.width - 185; // beside its title
    const names = context.example.keys ? { ...NAMES, word: `${to}words` } : NAMES;
    const wordsTitle = from ? `${from[0].toUpperCase()}${from.slice(1)}words attend to` : "Words attend to";
    return Dom.make("section", { class: "summary", "aria-label": "Attention of words and entities" },
      words.length ? bar(wordsTitle, shares(matrix, queries, keys, words, () => false), barWidth, names) : null,
      entities.length ? bar("Entities attend to", shares(matrix, queries, keys, entities), barWidth, names) : null,
      mentions.length ? bar("Mentions attend to", shares(matrix, queries, keys, mentions), barWidth, names) : null,
      Dom.make("div", { class: "summary-row" }, Dom.make("strong", {}, "Strongest links"), Dom.make("div", { class: "chips" }, chips.length ? chips : "none")));
  }

  return { shares, links, draw };
})();
if (typeof module !== "undefined") module.exports = Summary;
