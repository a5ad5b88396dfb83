const Tables = (() => {
  "use strict";

  const ROWS = 50;

  /** Rows in the order of a column: numbers from the largest, texts from the first; `up` turns that round. No column: as they are. */
  function sorted(rows, { column, up }) {
    if (column === undefined || column === null) return rows;
    const sign = up ? -1 : 1;
    const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? b - a : String(a).localeCompare(String(b), "en", { numeric: true }));
    return rows.slice().sort((a, b) => sign * compare(a[column], b[column]));
  }

  /** The order after a click on a column: sorted, then turned round, then as it was. */
  function next(place, column) {
    if (place.column !== column) return { column, up: false, page: 0 };
    return place.up ? { column: null, up: false, page: 0 } : { column, up: true, page: 0 };
  }

  function header(name, at, place, change) {
    const here = place.column === at;
    const direction = here ? (place.up ? "turned" : "sorted") : "none";
    return Dom.make("th", { scope: "col", "aria-sort": here ? (place.up ? "ascending" : "descending") : "none" },
      Dom.button(name, () => change(next(place, at)), { class: `sort ${direction}`, title: `Sort by ${name}`, "data-key": `sort ${place.name} ${at}` }));
  }

  function cell(value, at, open) {
    const text = Dom.show(value);
    const content = at === 0 && open ? Dom.button(text, open.act, { class: "open", title: open.title, "aria-label": open.title, "data-key": open.title }) : text;
    return Dom.make(at ? "td" : "th", { class: typeof value === "number" ? "number" : null, scope: at ? null : "row" }, content);
  }

  /**
   * A table that is sorted by a click on a column and shown in pages of 50 rows. table: {columns, rows}; place: memory of the page
   * and the order, {name, page, column, up}; label: name of the region; open(row): {title, act} of the button in its first cell.
   */
  function paged(table, place, label, open) {
    const element = Dom.make("div", { class: "paged" });
    const change = (changes) => {
      const active = document.activeElement && element.contains(document.activeElement) ? document.activeElement.dataset.key : null;
      Object.assign(place, changes);
      draw();
      const again = active && element.querySelector(`[data-key="${CSS.escape(active)}"]`);
      if (again) (again.disabled ? element.querySelector(".table-box") : again).focus({ preventScroll: true });
    };
    function draw() {
      const rows = sorted(table.rows, place);
      const last = Math.max(0, Math.ceil(rows.length / ROWS) - 1);
      place.page = Math.min(last, Math.max(0, place.page || 0));
      const from = place.page * ROWS;
      const shown = rows.slice(from, from + ROWS);
      const go = (text, page, title) => Dom.button(text, () => change({ page }), { title, "aria-label": title, "data-key": `${title} ${place.name}`, disabled: page < 0 || page > last || page === place.page });
      const count = rows.length > shown.length ? `rows ${from + 1}–${from + shown.length} of ${rows.length}` : `${rows.length} ${rows.length === 1 ? "row" : "rows"}`;
      const bar = Dom.make("div", { class: "view-controls" }, last ? [go("«", 0, "First rows"), go("‹", place.page - 1, "Previous rows")] : null,
        Dom.make("span", { class: "count", role: "status" }, count), last ? [go("›", place.page + 1, "Next rows"), go("»", last, "Last rows")] : null);
      element.replaceChildren(bar, Dom.make("div", { class: "table-box", tabindex: "0", role: "region", "aria-label": label, "data-key": `table ${place.name}` },
        Dom.make("table", {}, Dom.make("thead", {}, Dom.make("tr", {}, table.columns.map((name, at) => header(name, at, place, change)))),
          Dom.make("tbody", {}, shown.map((row) => Dom.make("tr", {}, row.map((value, at) => cell(value, at, open && open(row)))))))));
    }
    draw();
    return element;
  }

  return { sorted, next, paged };
})();
if (typeof module !== "undefined") module.exports = Tables;
