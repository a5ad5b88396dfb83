// Sorts and filters the tables of a report. Without this script, the page shows the same tables in their first order.
(() => {
  "use strict";

  const FEWEST_ROWS = 5; // a shorter table has no filter

  /** What a cell is sorted by: its number with all digits, or its text; null if it is empty. */
  function valueOf(cell) {
    if (cell.dataset.value !== undefined) return Number(cell.dataset.value);
    return cell.textContent || null;
  }

  function compare(a, b) {
    if (typeof a === "number" && typeof b === "number") return a - b;
    return String(a).localeCompare(String(b), "en", { numeric: true });
  }

  /** Rows in the order of a column; empty cells come last in both directions. */
  function sorted(rows, column, sign) {
    const valued = rows.map((row) => [valueOf(row.cells[column]), row]);
    const order = ([a], [b]) => (a === null || b === null ? (a === null) - (b === null) : sign * compare(a, b));
    return valued.sort(order).map(([, row]) => row);
  }

  /** The headers become buttons: sorted upwards, downwards, and as at first. */
  function makeSortable(table) {
    const [head] = table.tHead.rows;
    const [body] = table.tBodies;
    const first = [...body.rows];
    [...head.cells].forEach((header, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...header.childNodes);
      header.append(button);
      button.addEventListener("click", () => {
        const next = { ascending: "descending", descending: "none" }[header.getAttribute("aria-sort")] || "ascending";
        for (const other of head.cells) other.removeAttribute("aria-sort");
        if (next !== "none") header.setAttribute("aria-sort", next);
        body.append(...(next === "none" ? first : sorted(first, column, next === "ascending" ? 1 : -1)));
      });
    });
  }

  /** A field above the table: rows with all of its words stay. */
  function addFilter(box, table) {
    const rows = [...table.tBodies[0].rows];
    const texts = new Map(rows.map((row) => [row, [...row.cells].map((cell) => cell.textContent.toLowerCase()).join(" ")]));
    const label = document.createElement("label");
    const field = document.createElement("input");
    const count = document.createElement("span");
    field.type = "search";
    field.setAttribute("aria-label", `Filter rows of ${box.getAttribute("aria-label")}`);
    count.setAttribute("role", "status");
    label.append("Filter rows ", field);
    const bar = document.createElement("p");
    bar.className = "filter";
    bar.append(label, " ", count);
    box.before(bar);
    field.addEventListener("input", () => {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const row of rows) row.hidden = !words.every((word) => texts.get(row).includes(word));
      const shown = rows.filter((row) => !row.hidden).length;
      count.textContent = words.length ? `${shown} of ${rows.length} rows` : "";
    });
  }

  for (const box of document.querySelectorAll("div.table")) {
    const table = box.querySelector("table");
    makeSortable(table);
    if (table.tBodies[0].rows.length > FEWEST_ROWS) addFilter(box, table);
  }
})();
