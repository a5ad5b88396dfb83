// Sorts and filters the tables of a report. Without this script, the page shows the same tables in their first order.
(() => {
  "use strict";

  const FEWEST_ROWS = 6; // a shorter table has no filter
  const NUMBERS = /((?<=^|[=,\s])-?\d+(?:\.\d+)?(?:e[-+]?\d+)?|\d+(?:\.\d+)?)/i; // in a text: "learning_rate=1e-05", "run-2"

  /** What a cell is sorted by: its number with all digits, or its text; null if it is empty. */
  function valueOf(cell) {
    const text = (cell.dataset.value ?? cell.textContent).trim();
    if (!text) return null;
    return Number.isFinite(Number(text)) ? Number(text) : text;
  }

  function compareNumbers(a, b) {
    return (a > b) - (a < b);
  }

  /** Numbers come before texts, and the numbers in texts are compared as numbers. */
  function compare(a, b) {
    if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
    if (typeof a === "number") return compareNumbers(a, b);
    const [left, right] = [a.split(NUMBERS), b.split(NUMBERS)]; // text, number, text, number, ...
    for (let at = 0; at < Math.min(left.length, right.length); at++) {
      const order = at % 2 ? compareNumbers(Number(left[at]), Number(right[at])) : left[at].localeCompare(right[at], "en");
      if (order) return order;
    }
    return left.length - right.length;
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

  /** A text without differences that cannot be seen: of case, and of letters that are composed of several characters. */
  function plain(text) {
    return text.normalize("NFC").toLowerCase();
  }

  /** Whether the row of the cells has a word: in what it shows, or at the beginning of a number with all digits. */
  function finder(cells) {
    const shown = cells.map((cell) => plain(cell.textContent)).join(" ");
    const values = cells.map((cell) => plain(cell.dataset.value ?? ""));
    return (word) => shown.includes(word) || values.some((value) => value.startsWith(word));
  }

  /** A field above the table: rows with all of its words stay. */
  function addFilter(box, table) {
    const rows = [...table.tBodies[0].rows];
    const finders = new Map(rows.map((row) => [row, finder([...row.cells])]));
    const all = box.dataset.cut === undefined ? `${rows.length} rows` : `the ${rows.length} rows on the page`;
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
      const words = plain(field.value).split(/\s+/).filter(Boolean);
      for (const row of rows) row.hidden = !words.every(finders.get(row));
      const shown = rows.filter((row) => !row.hidden).length;
      count.textContent = words.length ? `${shown} of ${all}` : "";
      bar.classList.toggle("used", words.length > 0); // printed, to explain which rows there are
    });
  }

  for (const box of document.querySelectorAll("div.table")) {
    const table = box.querySelector("table");
    makeSortable(table);
    if (table.tBodies[0].rows.length >= FEWEST_ROWS) addFilter(box, table);
  }
})();
