const Exports = (() => {
  "use strict";

  /** One field of a CSV file; a text that a spreadsheet would take for a formula gets an apostrophe. */
  function field(value) {
    if (typeof value === "number") return Number.isFinite(value) ? String(Number(value.toPrecision(7))) : "";
    const plain = String(value).replace(/[\u2068\u2069]/g, ""); // set texts apart on the screen only
    const text = /^[=+\-@\t\r]/.test(plain) ? `'${plain}` : plain;
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }

  /** A table as CSV text. table: {columns, rows}. */
  function csv(table) {
    return [table.columns, ...table.rows].map((row) => row.map(field).join(",")).join("\r\n") + "\r\n";
  }

  function save(name, blob) {
    const link = Dom.make("a", { href: URL.createObjectURL(blob), download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  }

  function png(context, name) {
    const canvas = Scene.paint(document.createElement("canvas"), context.keep.picture(), context.colours.paper, 2);
    save(name, new Blob([Numbers.bytesOf(canvas.toDataURL("image/png").split(",")[1])], { type: "image/png" }));
  }

  /** CSV files of a view: [{label, title, part, table}]; by default one of its table. part: the end of the name, instead of the layer. */
  function files(view) {
    return view.files || [{ label: "CSV", title: "Save as CSV", table: view.table }];
  }

  /** Buttons for files, and the table of what is shown (built when it is opened). */
  function draw(context, view, memory) {
    const name = (ending, part) => `attention_${view.name}_${part || `layer${context.state.layer}`}.${ending}`;
    const saveTable = ({ part, table }) => save(name("csv", part), new Blob(["\ufeff", csv(table(context))], { type: "text/csv" }));
    const box = Dom.make("div", {});
    const fill = () => box.replaceChildren(Tables.paged(view.table(context), context.tablePlace("shown"), "Table of what is shown"));
    const details = Dom.make("details", { "aria-label": "Table", open: memory.table, ontoggle: (event) => { memory.table = event.target.open; if (memory.table) fill(); } }, Dom.make("summary", { "data-key": "table" }, "Show as table"), box);
    if (memory.table) fill();
    return Dom.make("div", {}, Dom.make("div", { class: "view-controls", role: "group", "aria-label": "Save what is shown" }, Dom.make("span", {}, "Save"),
      Dom.button("PNG", () => png(context, name("png")), { title: "Save as PNG" }),
      Dom.button("SVG", () => save(name("svg"), new Blob([Scene.svg(context.keep.picture(), context.colours.paper)], { type: "image/svg+xml" })), { title: "Save as SVG" }),
      files(view).map((file) => Dom.button(file.label, () => saveTable(file), { title: file.title })),
      Dom.button("State", () => save("attention_state.json", new Blob([JSON.stringify(context.state, null, 2)], { type: "application/json" })), { title: "Save the state as JSON" })), details);
  }

  return { field, csv, draw };
})();
if (typeof module !== "undefined") module.exports = Exports;
