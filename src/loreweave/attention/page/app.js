const App = (() => {
  "use strict";

  const FORMAT = "attention-explorer/1";
  const MOST_KEPT = 12e6;
  const ZOOMS = { matrix: "zoom", grid: "gridzoom" };
  const place = (name) => document.getElementById(name);
  const memory = { find: "", onlyWrong: false, token: "", open: true, table: false, anchor: {}, places: {}, tables: {}, moved: false };
  let data = null;
  let store = null;
  let start = null;
  let state = null;
  let context = null;
  let ticket = 0;
  let heading = "";
  const kept = new Numbers.Recent(MOST_KEPT);
  const pictures = new Numbers.Recent(24e6);

  const views = () => [HeadsView, GridView, LayersView, MatrixView, ClassesView, RelevanceView, StatisticsView, CompareView];

  function load() {
    data = JSON.parse(place("attention-data").textContent);
    if (data.format !== FORMAT) throw new Error(`this page's script reads ${FORMAT}; the data are ${data.format}`);
    if (!data.examples.length) throw new Error("the page has no example");
    store = new Numbers.Store(data.examples, (number) => place(`block-${number}`).textContent);
    const example = Kinds.firstOf(data);
    const { layers } = data.examples[example].attention;
    heading = document.title.trim();
    if (data.examples.every(({ attention }) => attention.quantization === "u16")) place("numbers-help").textContent = "Weights are stored in 16 bits, with an error of at most 0.00001.";
    start = State.initial({ example, layer: layers[Math.floor(layers.length / 2)], ...(data.view || {}) });
    memory.open = window.innerWidth > 700;
  }

  function dark() {
    return state.theme === "dark" || (state.theme === "auto" && window.matchMedia("(prefers-color-scheme: dark)").matches);
  }

  function hidden() {
    const names = [];
    if (!state.special) names.push("special", "separator");
    if (!state.markers) names.push("marker");
    if (!state.punctuation) names.push("punctuation");
    return new Set(names);
  }

  /** Whether a unit of one side ("queries" or "keys") is of the text that is chosen, where an example has two. */
  function ofSentence(example, side, unit) {
    if (state.sentences === "all" || !example.sentence || example.keys) return true;
    return example.sentence[unit.positions[0]] === (state.sentences[side === "queries" ? 0 : 1] === "a" ? 0 : 1);
  }

  function unitsOf(example, side) {
    return Tokens.units(example, side, data.classes, { merge: state.merge, hidden: hidden() }).filter((unit) => ofSentence(example, side, unit));
  }

  /** All that a view needs to draw: data, state, tokens, weights, and functions that change the page. */
  function build(element) {
    const example = data.examples[state.example];
    const { layers, heads } = example.attention;
    const colours = Palette.of(document.documentElement, dark());
    const self = {
      data, state, example, number: state.example, classes: data.classes, store, element, layers, heads, colours, keep: {}, hidden: hidden(), ofSentence,
      headCount: Math.max(data.models[example.model].heads, ...heads.map((head) => head + 1)), queries: unitsOf(example, "queries"), keys: unitsOf(example, "keys"),
      width: Math.max(280, place("view").clientWidth - 4), headPlaces: state.heads.map((head) => heads.indexOf(head)), layerName: `layer ${state.layer}`,
    };
    const count = state.heads.length || heads.length;
    const named = (what) => (count === 1 ? `head ${state.heads[0] === undefined ? heads[0] : state.heads[0]}` : `${what} of ${count} heads`);
    const combined = named(state.mode === "max" ? "largest" : "mean");
    Object.assign(self, { headsName: state.mode === "each" ? named("each") : combined, combinedName: combined, meanName: named("mean") });
    return Object.assign(self, actions(self), tools(self));
  }

  function actions(self) {
    return {
      now: () => state, set: (changes) => set(changes), help, search, find, copyLink, go: (address) => accept(State.read(address, { ...start, pins: state.pins, theme: state.theme })),
      address: () => State.write({ ...state, pins: [] }, { ...start, pins: [] }), saidText: () => place("said").textContent,
      say: (text) => { self.spoken = text; if (self === context) place("said").textContent = text; },
      announceSoftly: (text) => { place("said").textContent = text || self.spoken || ""; },
      pick: (side, at, how) => pick(self, side, at, how),
    };
  }

  /** Where a picture that scrolls was left. */
  function placeOf({ state: { view }, number }) {
    const name = `${view}/${number}`;
    memory.places[name] = memory.places[name] || { centre: null };
    return memory.places[name];
  }

  function tools(self) {
    const key = (layer, number) => [number, layer, state.merge, state.special, state.markers, state.punctuation, state.sentences].join("/");
    return {
      weights: async (layer, number = state.example, units = self) => {
        const name = key(layer, number);
        const known = units === self ? kept.get(name) : undefined;
        if (known) return known;
        const weights = new Tokens.Weights(await store.layer(number, layer), units.queries, units.keys);
        if (units === self) kept.set(name, weights, (weights.layer.heads + 1) * units.queries.length * units.keys.length);
        return weights;
      },
      thumbnails: (layer, side) => pictures.get(`${key(layer, state.example)}/${side}`),
      keepThumbnails: (layer, side, found) => {
        pictures.set(`${key(layer, state.example)}/${side}`, found, found.reduce((sum, thumb) => sum + thumb.values.length, 0));
        return found;
      },
      memory: (name, found) => {
        if (found) pictures.set(name, found, found.length);
        return pictures.get(name);
      },
      tablePlace: (name) => {
        const key = `${name} ${state.view}`;
        memory.tables[key] = memory.tables[key] || { name: key, page: 0, column: null, up: false };
        return memory.tables[key];
      },
      canvas: (view) => Dom.make("canvas", { role: "img", "aria-label": `${view.label} view`, "aria-describedby": "described" }),
      interactive: (canvas, picture, label) => Pointing.whole(canvas, picture, label),
      scrolling: (canvas, picture, label, target) => {
        self.box = Pointing.scrolling(canvas, picture, self.width, { label, paper: self.colours.paper, target: memory.moved ? target : null, place: placeOf(self), zoomBy: self.zoomBy });
        return self.box;
      },
      zoomBy: (factor) => {
        const part = ZOOMS[state.view];
        const [low, high] = State.ZOOMS[part];
        set({ [part]: factor ? Math.min(high, Math.max(low, state[part] * factor)) : 1 });
      },
      moved: (changes) => { // by a key: what is moved to must be seen
        memory.moved = true;
        return set(changes).finally(() => { memory.moved = false; });
      },
    };
  }

  /** Pins a token: alone, a range from the last one, or added to the group; a pinned token is unpinned. */
  function pick(self, side, at, { range, add }) {
    const units = side === "from" ? self.queries : self.keys;
    const chosen = new Set(Tokens.unitsAt(units, state[side]));
    let next = [at];
    if (range && memory.anchor[side] !== undefined) {
      const [low, high] = [Math.min(at, memory.anchor[side]), Math.max(at, memory.anchor[side])];
      next = Array.from({ length: high - low + 1 }, (_, i) => low + i);
    } else {
      memory.anchor[side] = at;
      if (add) next = chosen.has(at) ? [...chosen].filter((one) => one !== at) : [...chosen, at];
      else if (chosen.size === 1 && chosen.has(at)) next = [];
    }
    const positions = next.filter((one) => units[one]).flatMap((one) => units[one].positions).sort((a, b) => a - b);
    set(side === "from" ? { from: positions, row: positions.length ? positions[0] : -1 } : { to: positions });
  }

  /** Opens the help at its beginning. When it is closed, the browser gives the focus back. */
  function help() {
    place("help").showModal();
    place("help").scrollTop = 0;
  }

  function search() {
    memory.open = true;
    const details = place("controls").querySelector("details");
    if (details) details.open = true;
    place("find").focus();
  }

  /** Marks the tokens that contain a text; pin: takes the first of them. */
  function find(text, pin) {
    const wanted = text.trim();
    document.querySelectorAll("#view .token, #strip .token").forEach((token) => {
      token.classList.toggle("found", Boolean(wanted) && Tokens.contains(token.querySelector(".label").textContent, wanted));
    });
    const named = (units) => (pin && wanted ? units.find((unit) => Tokens.contains(unit.label, wanted)) : undefined);
    const [query, key] = [named(context.queries), context.example.keys && named(context.keys)];
    if (query) set({ from: query.positions, row: query.positions[0] });
    else if (key) set({ to: key.positions });
  }

  async function copyLink() {
    const address = `${location.href.split("#")[0]}#${State.write(state, start)}`;
    try {
      await navigator.clipboard.writeText(address);
      context.say("The address was copied.");
    } catch {
      context.say(`Copy this: #${State.write(state, start)}`);
    }
  }

  function set(changes) {
    return accept({ ...state, ...changes });
  }

  function accept(next) {
    state = State.valid(next, data);
    const text = State.write(state, start);
    try {
      history.replaceState(null, "", `#${text}`);
    } catch {
      memory.address = text;
    }
    return render();
  }

  async function render() {
    const mine = ++ticket;
    document.documentElement.dataset.theme = dark() ? "dark" : "light";
    const next = build(Dom.make("div", {}));
    const view = views().find((one) => one.name === state.view) || HeadsView;
    place("view").classList.add("busy");
    try {
      await view.draw(next);
    } catch (error) {
      next.element.replaceChildren(Dom.make("p", { class: "fault", role: "alert" }, `This view cannot be drawn: ${error.message}`));
      next.failed = true;
      if (mine === ticket) console.error(error);
    }
    if (mine !== ticket) return;
    context = next;
    show(view);
  }

  /** The title of the page; if that is the text of its first example, the text of the one that is shown. */
  function headingOf({ number }) {
    const plain = (text) => text.replace(/\s+/g, " ").trim();
    return heading === plain(data.examples[0].text) ? Kinds.text(data, Kinds.groupOf(data, number)) : heading;
  }

  /** What the badges of the tokens mean, if there are any. */
  function marksHint({ example, queries, keys }) {
    const units = [...queries, ...(example.keys ? keys : [])];
    if (units.some((unit) => unit.isEntity)) return "Entity tokens come after the words and have the badges E1, E2; the words of their mentions have the same badges.";
    return units.some((unit) => unit.mention) ? "The words of mentions have the badges M1, M2, in the order of the text." : "";
  }

  function show(view) {
    const active = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.key : null;
    place("title").textContent = headingOf(context);
    place("title").title = place("title").textContent;
    Controls.global(place("global"), context);
    Controls.example(place("example"), context, memory);
    Controls.tabs(place("views"), context, views());
    Controls.draw(place("controls"), context, memory);
    place("strip").replaceChildren(...(view === HeadsView && !context.example.types ? [] : Lists.strips(context)));
    context.element.prepend(Dom.make("p", { id: "described", class: "hidden" }, context.failed ? "" : view.describe(context)));
    place("view").replaceChildren(context.element);
    if (context.box) context.box.settle();
    place("view").classList.remove("busy");
    place("view").setAttribute("aria-label", view.label);
    place("hint").textContent = [view.hint, marksHint(context)].filter(Boolean).join(" ");
    place("said").textContent = context.spoken || "";
    place("foot").replaceChildren(...(context.failed ? [] : [Exports.draw(context, view, memory)]), Pins.draw(context));
    if (active) refocus(active);
    if (memory.token) find(memory.token, false);
    document.documentElement.dataset.ready = "1";
    const height = document.documentElement.scrollHeight; // 0 before the frame has a layout
    if (window.parent !== window && height) window.parent.postMessage({ type: "attention-height", height }, "*");
  }

  function refocus(key) {
    const again = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (again) again.focus({ preventScroll: true });
  }

  function fault(error) {
    document.documentElement.dataset.ready = "0";
    place("view").replaceChildren(Dom.make("p", { class: "fault", role: "alert" }, `This page cannot be shown: ${error.message}`));
    console.error(error);
  }

  async function begin() {
    try {
      load();
      window.__attention = Probe.of(data, store, () => state);
      state = State.valid(State.read(location.hash, start), data);
    } catch (error) {
      fault(error);
      return;
    }
    Keyboard.listen(() => context && Object.assign(Object.create(context), { state })); // keys may be faster than the drawing
    let width = window.innerWidth;
    let timer = 0;
    window.addEventListener("hashchange", () => { accept(State.read(location.hash, start)); });
    window.addEventListener("resize", () => {
      if (window.innerWidth === width) return;
      width = window.innerWidth;
      clearTimeout(timer);
      timer = setTimeout(render, 120);
    });
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", render);
    await render();
  }

  return { begin };
})();
App.begin();
