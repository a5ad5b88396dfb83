const Lists = (() => {
  "use strict";

  /** Description of a token, for tool-tips and screen readers. */
  function says(unit) {
    const raw = unit.raw.join(" ");
    const parts = [`${unit.name} (${unit.isEntity ? "entity token" : unit.kind})`, `position ${unit.positions.join(", ")}`];
    if (raw !== unit.label) parts.push(`as the model reads it: ${Tokens.visible(Tokens.shorten(raw, 60))}`);
    if (unit.mentions.length) parts.push(`in the mention of ${unit.mentions.map((number) => `E${number + 1}`).join(", ")}`);
    return parts.join(" · ");
  }

  function option(unit, place, settings) {
    const classes = ["token", `is-${unit.kind}`, unit.marks.length ? "in-mention" : "", settings.selected.has(place) ? "selected" : ""];
    const badges = [unit.badge, ...unit.marks].filter(Boolean);
    const element = Dom.make("div", {
      role: "option", class: classes.join(" ").trim(), title: says(unit), "aria-selected": String(settings.selected.has(place)),
      "aria-label": says(unit), tabindex: place === settings.first ? "0" : "-1", "data-key": `${settings.className}-${unit.positions[0]}`, "data-place": String(place),
    }, badges.map((badge) => Dom.make("span", { class: unit.isEntity ? "badge" : "badge small" }, badge)), Dom.make("bdi", { class: "label" }, Tokens.shorten(unit.label, 60)));
    return element;
  }

  function moved(event, place, count) {
    const steps = { ArrowDown: 1, ArrowUp: -1, ArrowRight: 1, ArrowLeft: -1, PageDown: 10, PageUp: -10 };
    if (event.key === "Home") return 0;
    if (event.key === "End") return count - 1;
    return event.key in steps ? Math.min(count - 1, Math.max(0, place + steps[event.key])) : -1;
  }

  /**
   * A list box of tokens with a roving tab stop. settings: units, side ("from" | "to"), label, selected (Set of places),
   * onHover(place or null), onPick(place, {range, add}), onCross(place) for the arrow towards the other list (or null).
   * Returns the element; element.options are its tokens.
   */
  function list(settings) {
    settings.first = settings.selected.size ? Math.min(...settings.selected) : 0;
    const element = Dom.make("div", { role: "listbox", class: `tokens ${settings.className || ""}`, "aria-label": settings.label, "aria-multiselectable": "true" });
    const options = settings.units.map((unit, place) => option(unit, place, settings));
    element.append(...options);
    const placeOf = (event) => {
      const found = event.target.closest("[role=option]");
      return found ? Number(found.dataset.place) : -1;
    };
    element.addEventListener("pointerover", (event) => { if (placeOf(event) >= 0) settings.onHover(placeOf(event)); });
    element.addEventListener("pointerleave", () => settings.onHover(null));
    element.addEventListener("focusin", (event) => { if (placeOf(event) >= 0) settings.onHover(placeOf(event)); });
    element.addEventListener("focusout", () => settings.onHover(null));
    element.addEventListener("click", (event) => {
      if (placeOf(event) >= 0) settings.onPick(placeOf(event), { range: event.shiftKey, add: event.ctrlKey || event.metaKey });
    });
    element.addEventListener("keydown", (event) => keys(event, placeOf(event), options, settings));
    element.tokens = options;
    return element;
  }

  function keys(event, place, options, settings) {
    if (place < 0 || event.ctrlKey && event.key !== "Enter" && event.key !== " ") return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      settings.onPick(place, { range: false, add: event.ctrlKey || event.metaKey });
    } else if (settings.onCross && event.key === (settings.side === "from" ? "ArrowRight" : "ArrowLeft")) {
      event.preventDefault();
      settings.onCross(place);
    } else if (moved(event, place, options.length) >= 0) {
      event.preventDefault();
      event.stopPropagation();
      const next = moved(event, place, options.length);
      focus(options, next);
      if (event.shiftKey) settings.onPick(next, { range: true, add: false });
    }
  }

  /** Moves the tab stop and the focus to one token. */
  function focus(options, place) {
    options.forEach((element, at) => element.setAttribute("tabindex", at === place ? "0" : "-1"));
    if (options[place]) options[place].focus();
  }

  /** Fills tokens with a share of the colour and shows the number; values null: none. */
  function shade(element, values, side) {
    element.tokens.forEach((token, place) => {
      const old = token.querySelector(".weight");
      if (old) old.remove();
      token.style.removeProperty("--share");
      if (!values) return;
      token.style.setProperty("--share", String(Math.sqrt(Math.max(0, Math.min(1, values[place])))));
      if (values[place] >= 0.0005) token.append(Dom.make("span", { class: `weight ${side}` }, values[place].toFixed(3)));
    });
  }

  /** The text as a strip of tokens; for cross-attention, one strip for each of the two texts. */
  function strips(context) {
    const { example, queries, keys, state } = context;
    const make = (side, units, label, className) => list({
      units, side, label, selected: new Set(Tokens.unitsAt(units, state[side])), className,
      onHover: (place) => context.announceSoftly(place === null ? "" : says(units[place])), onPick: (place, how) => context.pick(side, place, how),
    });
    if (!example.keys) return [typed(context, make("from", queries, "Tokens of the text", "strip"))];
    const [from, to] = Kinds.sides(example);
    const row = (name, strip) => Dom.make("div", { class: "strip-row" }, Dom.make("strong", {}, name), strip);
    return [row(`from ${from}`, make("from", queries, `Query tokens ${from && `(${from.trim()})`}`.trim(), "strip")), row(`to ${to}`, make("to", keys, `Key tokens ${to && `(${to.trim()})`}`.trim(), "strip keys"))];
  }

  /** Adds the ribbon of latent types to a strip where the example has them. */
  function typed(context, element) {
    const { queries } = context;
    const { types } = context.example;
    if (types) {
      element.classList.add("typed");
      queries.forEach((unit, place) => {
        const at = unit.positions.find((position) => types.of[position] >= 0);
        const text = at === undefined ? "" : (types.names || [])[types.of[at]] || `type ${types.of[at]}`;
        const score = at === undefined ? "" : ` ${Dom.show(types.score[at])}`;
        const hue = at === undefined ? "transparent" : Palette.head(types.of[at], Math.max(...types.of) + 1, context.colours.dark);
        element.tokens[place].append(Dom.make("span", { class: "type", title: `latent type: ${text}${score}`, style: { borderColor: hue } }, text || "\u00a0"));
      });
    }
    return element;
  }

  return { list, strips, shade, says, focus };
})();
if (typeof module !== "undefined") module.exports = Lists;
