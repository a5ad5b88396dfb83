const Controls = (() => {
  "use strict";

  const MODES = [["mean", "mean of the heads"], ["max", "maximum of the heads"], ["each", "each head"]];
  const SENTENCES = [["all", "all"], ["aa", "A to A"], ["bb", "B to B"], ["ab", "A to B"], ["ba", "B to A"]];

  /** Number of predicted labels that are shown. */
  const MOST = 12;

  /** Places of the predicted labels; where a file does not name them: those above one half, or the best one. */
  function predicted({ labels, probabilities, gold, predicted: named }) {
    const all = labels.map((_, at) => at);
    if (named) return all.filter((at) => labels.indexOf(labels[at]) === at && named.includes(labels[at]));
    const found = all.filter((at) => probabilities[at] > 0.5);
    return found.length || !labels.length || (gold && gold.length !== 1) ? found : [probabilities.indexOf(Math.max(...probabilities))];
  }

  /** Whether an example's prediction differs from its gold labels. */
  function wrong(example) {
    const { prediction } = example;
    if (!prediction || !prediction.gold) return false;
    const found = predicted(prediction).map((at) => prediction.labels[at]);
    if (prediction.alternatives) return !found.some((label) => prediction.gold.includes(label));
    return [...found].sort().join("\n") !== [...prediction.gold].sort().join("\n");
  }

  /** Name of an example in the picker; the kinds of attention of an encoder-decoder have the same. */
  function title(data, example) {
    const group = Kinds.groupOf(data, data.examples.indexOf(example));
    const model = new Set(data.models.map(({ name }) => name)).size > 1 ? ` · ${Tokens.shorten(Kinds.modelNames(data)[example.model], 30)}` : "";
    return `${example.id}${model}: ${Kinds.text(data, group, 60)}`;
  }

  /** What is shown: model, layers, heads, tokens. */
  function facts(context) {
    const { example, layers, heads, data } = context;
    const [from, to] = Kinds.sides(example);
    const tokens = example.keys ? `${example.queries.text.length} ${from}tokens → ${example.keys.text.length} ${to}tokens` : `${example.queries.text.length} ${from}tokens`;
    const cut = example.cut ? ` · ${example.cut}` : "";
    return Dom.make("span", { class: "facts" }, Dom.make("strong", {}, data.models[example.model].name), ` · ${layers.length} layers × ${heads.length} heads · ${tokens}${cut}`);
  }

  /** Buttons for the kinds of attention of an encoder-decoder, or null. */
  function kinds(context) {
    const group = Kinds.groupOf(context.data, context.number);
    if (group.size < 2) return null;
    return Dom.make("div", { class: "chips", role: "group", "aria-label": "Attention" }, Dom.make("span", { class: "name" }, "Attention"),
      [...group].map(([kind, at]) => Dom.button(Kinds.NAMES[kind], () => context.set(State.another(at)), { "aria-pressed": String(at === context.number), "data-key": `kind ${kind}`, title: `Attention: ${Kinds.NAMES[kind]} (k: next)`, class: "kind" })));
  }

  /** Labels of a prediction in words: the predicted ones in their order, and the most probable others up to three in all. */
  function labelled(found) {
    const chosen = predicted(found);
    const order = found.labels.map((_, at) => at).sort((a, b) => (found.probabilities[b] ?? 0) - (found.probabilities[a] ?? 0));
    const named = (places) => places.map((at) => [found.labels[at], found.probabilities[at] === null ? "" : Dom.show(found.probabilities[at])].join(" ").trim()).join(", ");
    const others = order.filter((at) => !chosen.includes(at)).slice(0, Math.max(0, 3 - chosen.length));
    const best = found.predicted ? chosen.sort((a, b) => found.predicted.indexOf(found.labels[a]) - found.predicted.indexOf(found.labels[b])) : order.filter((at) => chosen.includes(at));
    const more = best.length > MOST ? ` and ${best.length - MOST} more` : "";
    return `predicted: ${named(best.slice(0, MOST)) || "none"}${more}${others.length ? ` · others: ${named(others)}` : ""}`;
  }

  function prediction(example) {
    const found = example.prediction;
    if (!found) return null;
    const text = labelled(found);
    const gold = found.gold ? ` · gold: ${found.gold.join(", ") || "none"}` : "";
    return Dom.make("span", { class: found.gold ? (wrong(example) ? "wrong" : "right") : "" }, text + gold);
  }

  /** The line with the example: picker with search and error filter where there are several, and the prediction. */
  function example(place, context, memory) {
    const { data, state } = context;
    const all = Kinds.groups(data).map((group) => Kinds.member(group, context.example.kind)).map((at) => [at, data.examples[at]]);
    const shown = all.filter(([at, one]) => at === state.example
      || ((!memory.onlyWrong || wrong(one)) && Tokens.contains(title(data, one), memory.find)));
    const parts = [facts(context)];
    if (all.length > 1) {
      const redraw = () => { example(place, context, memory); };
      parts.unshift(Dom.select("Example", shown.map(([at, one]) => [at, title(data, one)]), state.example, (at) => context.set(State.another(Number(at)))),
        Dom.make("input", { type: "search", placeholder: "Find an example", "aria-label": "Find an example", value: memory.find, "data-key": "find example", onchange: (event) => { memory.find = event.target.value; redraw(); } }));
      if (data.examples.some(wrong)) parts.splice(2, 0, Dom.toggle("only errors", memory.onlyWrong, (on) => { memory.onlyWrong = on; redraw(); }));
      parts.push(Dom.make("span", {}, `${shown.length} of ${all.length} listed`));
    }
    place.replaceChildren(...[...parts, kinds(context), prediction(context.example)].filter(Boolean));
  }

  /** The tabs of the views: one tab stop, moved by the arrows. */
  function tabs(place, context, views) {
    const go = async (name) => {
      await context.set({ view: name });
      const tab = place.querySelector(`[data-view="${name}"]`);
      if (tab) tab.focus({ preventScroll: true });
    };
    const keys = (event, at) => {
      const to = { ArrowRight: at + 1, ArrowLeft: at - 1 + views.length, Home: 0, End: views.length - 1 }[event.key];
      if (to === undefined || event.shiftKey) return;
      event.preventDefault();
      event.stopPropagation();
      go(views[to % views.length].name);
    };
    place.replaceChildren(...views.map((view, at) => {
      const selected = view.name === context.state.view;
      return Dom.make("button", {
        type: "button", role: "tab", "data-key": `tab ${view.name}`, "data-view": view.name, "aria-selected": String(selected), tabindex: selected ? "0" : "-1", "aria-controls": "view", "aria-keyshortcuts": String(at + 1),
        onclick: () => context.set({ view: view.name }), onkeydown: (event) => keys(event, at),
      }, Dom.make("span", { class: "key", "aria-hidden": "true" }, String(at + 1)), view.label);
    }));
  }

  /** Listeners of a slider: while it is dragged, the controls are not redrawn, which would end the drag. */
  function dragged(context, memory, act) {
    return {
      onpointerdown: () => { memory.dragging = true; },
      oninput: (event) => act(Number(event.target.value)),
      onchange: () => {
        memory.dragging = false;
        context.set({});
      },
    };
  }

  function layerPicker(context, memory) {
    const { layers, state } = context;
    const at = layers.indexOf(state.layer);
    const go = (to) => context.set({ layer: layers[Math.min(layers.length - 1, Math.max(0, to))] });
    return Dom.make("div", { class: "view-controls", role: "group", "aria-label": "Layer" },
      Dom.button("◀", () => go(at - 1), { title: "Previous layer ([)", "aria-label": "Previous layer", disabled: at === 0 }),
      Dom.make("input", { type: "range", min: "0", max: String(layers.length - 1), value: String(at), "aria-label": "Layer", "data-key": "layer", "aria-valuetext": context.layerName, ...dragged(context, memory, (value) => go(value)) }),
      Dom.button("▶", () => go(at + 1), { title: "Next layer (])", "aria-label": "Next layer", disabled: at === layers.length - 1 }),
      Dom.make("span", { class: "layer-name" }, context.layerName), Dom.select("Heads as", MODES, state.mode, (mode) => context.set({ mode })));
  }

  function chips(context) {
    const { heads, state } = context;
    const chosen = new Set(state.heads.length ? state.heads : heads);
    const change = (head) => {
      const next = state.heads.length === 0 && heads.length > 1 ? [head] : chosen.has(head) ? state.heads.filter((one) => one !== head) : [...state.heads, head];
      context.set({ heads: next.length === heads.length ? [] : next.sort((a, b) => a - b) });
    };
    return Dom.make("div", { class: "chips", role: "group", "aria-label": "Heads" }, Dom.make("span", {}, "Heads "),
      Dom.button("all", () => context.set({ heads: [] }), { class: "chip", "aria-pressed": String(!state.heads.length), title: "All heads (m)" }),
      heads.map((head) => Dom.button(String(head), () => change(head), { class: "chip", title: `Head ${head}`, "aria-pressed": String(chosen.has(head)), style: { borderColor: Palette.head(head, context.headCount, context.colours.dark) } })));
  }

  /** Which lines are drawn: share of the weight, minimum, number. */
  function lines(context, set, memory) {
    const { state } = context;
    const share = Dom.make("label", { class: "field", title: "For each query, the smallest set of lines with this share of its weight" }, Dom.make("span", {}, "Weight kept"),
      Dom.make("input", { type: "range", min: "5", max: "100", step: "1", value: String(state.share), "data-key": "share", "aria-valuetext": `${state.share} %`, ...dragged(context, memory, set("share")) }), Dom.make("span", { class: "share-name" }, `${state.share} %`));
    return [share, Dom.number("minimum", state.least, { min: "0", max: "1", step: "0.01" }, set("least"), "Lines below this weight are not drawn"),
      Dom.number("at most", state.top, { min: "0", max: "999", step: "1" }, set("top"), "Maximum number of lines for each query; 0: no limit")];
  }

  function filters(context, memory) {
    const { state } = context;
    const set = (name) => (value) => context.set({ [name]: value });
    const tokens = context.example.queries;
    const has = (kind) => tokens.class.some((number) => context.classes[number] === kind);
    return Dom.make("details", { "aria-label": "Filters and display", open: memory.open, ontoggle: (event) => { memory.open = event.target.open; } }, Dom.make("summary", { "data-key": "filters" }, "Filters and display"),
      Dom.make("div", { class: "filters" }, ...(state.view === "heads" ? lines(context, set, memory) : []),
        Dom.toggle("merge sub-words", state.merge, set("merge"), "Weights to a word are summed over its sub-words, weights from a word are averaged"),
        Dom.toggle("special tokens", state.special, set("special")),
        has("marker") ? Dom.toggle("markers", state.markers, set("markers")) : null,
        Dom.toggle("punctuation", state.punctuation, set("punctuation")),
        context.example.sentence ? Dom.select("Sentences", SENTENCES, state.sentences, set("sentences")) : null,
        Dom.select("Scale", [["sqrt", "square root"], ["linear", "linear"]], state.scale, set("scale")),
        Dom.make("input", { type: "search", id: "find", placeholder: "Find a token (/)", "aria-label": "Find a token", value: memory.token, "data-key": "find token", oninput: (event) => { memory.token = event.target.value; context.find(memory.token, false); }, onchange: (event) => context.find(event.target.value, true) })));
  }

  /** Layer, heads and filters. */
  function draw(place, context, memory) {
    if (memory.dragging && place.childElementCount) {
      place.querySelector(".layer-name").textContent = context.layerName;
      const share = place.querySelector(".share-name");
      if (share) share.textContent = `${context.state.share} %`;
      return;
    }
    place.replaceChildren(layerPicker(context, memory), chips(context), filters(context, memory));
  }

  /** Theme, link, help. */
  function global(place, context) {
    place.replaceChildren(Dom.select("Theme", [["auto", "auto"], ["light", "light"], ["dark", "dark"]], context.state.theme, (theme) => context.set({ theme })),
      Dom.button("Copy link", () => context.copyLink(), { title: "Copy the address of this view" }), Dom.button("Help (?)", () => context.help()));
  }

  return { wrong, labelled, title, example, tabs, draw, global };
})();
if (typeof module !== "undefined") module.exports = Controls;
