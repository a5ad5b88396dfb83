const Keyboard = (() => {
  "use strict";

  const FIELDS = new Set(["INPUT", "SELECT", "TEXTAREA"]);

  function step(list, value, by) {
    const at = Math.max(0, list.indexOf(value));
    return list[Math.min(list.length - 1, Math.max(0, at + by))];
  }

  /** The change of the state that a key asks for, or null. */
  function change(key, context) {
    const { state, layers, heads, queries } = context;
    const view = State.VIEWS[Number(key) - 1];
    if (/^[1-8]$/.test(key)) return { view };
    if (key === "[" || key === "]") return { layer: step(layers, state.layer, key === "]" ? 1 : -1) };
    if (key === "," || key === ".") {
      if (!state.heads.length) return { heads: [heads[key === "." ? 0 : heads.length - 1]] };
      return { heads: [step(heads, state.heads[0], key === "." ? 1 : -1)] };
    }
    if (key === "m") return { heads: [], mode: "mean" };
    if (key === "k") {
      const members = [...Kinds.groupOf(context.data, context.number).values()];
      return members.length > 1 ? State.another(members[(members.indexOf(context.number) + 1) % members.length]) : {};
    }
    if (key === "Escape") return { from: [], to: [] };
    if (key === "e") {
      const entities = queries.filter((unit) => unit.isEntity);
      if (!entities.length) return {};
      const at = entities.findIndex((unit) => state.from.includes(unit.positions[0]));
      const next = entities[(at + 1) % entities.length];
      return { from: next.positions, to: [], row: next.positions[0] };
    }
    return null;
  }

  /** Listens to the keys of the page; contextOf() gives the newest context. */
  function listen(contextOf) {
    document.addEventListener("keydown", (event) => {
      const context = contextOf();
      const tag = event.target.tagName;
      if (!context || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
      if (FIELDS.has(tag) && event.key !== "Escape") {
        if (tag !== "INPUT" || !["checkbox", "range"].includes(event.target.type) || event.key.startsWith("Arrow") || event.key === " ") return;
      }
      if (event.key === "?") context.help();
      else if (event.key === "/") context.search();
      else {
        const found = change(event.key, context);
        if (!found) return;
        context.set(found);
      }
      event.preventDefault();
    });
  }

  return { change, listen };
})();
if (typeof module !== "undefined") module.exports = Keyboard;
