const Pins = (() => {
  "use strict";

  /** The pinned views with their notes; `context.address()` gives the address of what is shown. */
  function draw(context) {
    const { pins } = context.state;
    const note = Dom.make("input", { type: "text", placeholder: "Note for what is shown", "aria-label": "Note for what is shown", maxlength: "300", "data-key": "note" });
    const add = () => context.set({ pins: [...pins, { note: note.value.trim() || context.saidText(), at: context.address() }] });
    note.addEventListener("keydown", (event) => { if (event.key === "Enter") add(); });
    return Dom.make("section", { "aria-label": "Pinned views" }, Dom.make("div", { class: "note-box" }, note, Dom.button("Pin this view", add, { title: "Keep this view with its note in the address" })),
      Dom.make("ul", { class: "pins" }, pins.map((pin, at) => Dom.make("li", {}, Dom.button(pin.note, () => context.go(pin.at), { "data-key": `pin ${at}`, title: "Show this view" }),
        Dom.button("✕", () => context.set({ pins: pins.filter((_, place) => place !== at) }), { "aria-label": `Remove the note ${pin.note}`, title: "Remove", "data-key": `unpin ${at}` })))));
  }

  return { draw };
})();
if (typeof module !== "undefined") module.exports = Pins;
