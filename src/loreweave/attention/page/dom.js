const Dom = (() => {
  "use strict";

  /** An element with attributes, listeners ("onclick") and children; text is always set as text. */
  function make(name, attributes = {}, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (value === undefined || value === null || value === false) continue;
      if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
      else if (key === "style") Object.assign(element.style, value);
      else if (key === "value" || key === "checked" || key === "disabled") element[key] = value;
      else element.setAttribute(key, value === true ? "" : value);
    }
    element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
    return element;
  }

  /** A labelled drop-down. choices: [[value, text], ...]. */
  function select(label, choices, value, onChange, key) {
    const field = make("select", { "data-key": key || label, onchange: (event) => onChange(event.target.value) },
      choices.map(([one, text]) => make("option", { value: String(one), selected: String(one) === String(value) }, text)));
    field.value = String(value);
    return make("label", { class: "field" }, make("span", {}, label), field);
  }

  /** A labelled tick box. */
  function toggle(label, on, onChange, title) {
    return make("label", { class: "toggle", title }, make("input", { type: "checkbox", checked: on, "data-key": label, onchange: (event) => onChange(event.target.checked) }), make("span", {}, label));
  }

  /** A labelled number. */
  function number(label, value, limits, onChange, title) {
    const field = make("input", { type: "number", ...limits, value: String(value), "data-key": label, onchange: (event) => onChange(Number(event.target.value)) });
    return make("label", { class: "field", title }, make("span", {}, label), field);
  }

  function button(text, act, attributes = {}) {
    return make("button", { type: "button", "data-key": attributes.title || text, onclick: act, ...attributes }, text);
  }

  /** A table of rows; the first column is a row header. */
  function table(columns, rows, caption) {
    const cell = (value, i) => make(i ? "td" : "th", { class: typeof value === "number" ? "number" : null, scope: i ? null : "row" }, show(value));
    return make("table", {}, caption ? make("caption", {}, caption) : null,
      make("thead", {}, make("tr", {}, columns.map((name) => make("th", { scope: "col" }, name)))),
      make("tbody", {}, rows.map((row) => make("tr", {}, row.map(cell)))));
  }

  /** A number as it is read: whole ones as they are, others as of `small`. */
  function show(value) {
    return typeof value !== "number" ? String(value) : Number.isInteger(value) ? String(value) : small(value);
  }

  /** A number with three decimals, or with two digits where it is smaller than those show: gradients have no fixed scale. */
  function small(value) {
    return value === 0 || Math.abs(value) >= 0.0005 ? value.toFixed(3) : value.toExponential(1);
  }

  return { make, select, toggle, number, button, table, show, small };
})();
if (typeof module !== "undefined") module.exports = Dom;
