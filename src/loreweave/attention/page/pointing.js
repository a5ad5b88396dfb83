const Pointing = (() => {
  "use strict";

  const TALL = 0.85; // of the window: a zoomed picture scrolls in a box of this height
  const STEP = 0.25; // of the visible part: one step of panning by key
  const MOVED = 4; // pixels after which a press is a drag, not a click

  /** The note beside the pointer; no text: none. */
  function tip(text, event) {
    const element = document.getElementById("tip");
    element.hidden = !text;
    if (!text) return;
    element.textContent = text;
    const left = Math.min(event.clientX + 14, window.innerWidth - element.offsetWidth - 6);
    const top = event.clientY + 18 + element.offsetHeight > window.innerHeight ? event.clientY - element.offsetHeight - 10 : event.clientY + 18;
    Object.assign(element.style, { left: `${Math.max(4, left)}px`, top: `${top}px` });
  }

  /** Tool-tips and clicks of a canvas. pointOf(event) gives the place in the picture. */
  function hits(canvas, picture, pointOf) {
    const at = (event) => picture.at(...pointOf(event));
    canvas.addEventListener("pointermove", (event) => {
      const hit = at(event);
      canvas.style.cursor = hit && hit.act ? "pointer" : "default";
      tip(hit && (typeof hit.tip === "function" ? hit.tip(...pointOf(event)) : hit.tip), event);
    });
    canvas.addEventListener("pointerleave", () => tip(null));
    canvas.addEventListener("click", (event) => {
      const hit = canvas.dragged ? null : at(event);
      if (hit && hit.act) {
        tip(null);
        hit.act();
      }
    });
  }

  /** A focusable box around a picture that is drawn whole. */
  function whole(canvas, picture, label) {
    hits(canvas, picture, (event) => {
      const frame = canvas.getBoundingClientRect();
      return [((event.clientX - frame.left) * picture.width) / frame.width, ((event.clientY - frame.top) * picture.height) / frame.height];
    });
    return Dom.make("div", { class: "interactive", tabindex: "0", role: "group", "aria-label": label, "data-key": "picture" }, canvas);
  }

  /** The part of a picture that a box shows; all of it if the box does not scroll. */
  function visible(box, picture, size, inside) {
    return inside ? { x: box.scrollLeft, y: box.scrollTop, ...size } : { x: 0, y: 0, ...size };
  }

  /** The labels at the top of a picture that is taller than the window: they stay while the page is scrolled. */
  function labels(picture, paper) {
    const canvas = Dom.make("canvas", { class: "labels", "aria-hidden": "true" });
    return Scene.paint(canvas, picture, paper, undefined, { x: 0, y: 0, width: picture.width, height: picture.frozen.top });
  }

  /** Scrolls a box so that a rectangle [left, top, right, bottom] of the picture is beside the labels. */
  function reveal(box, picture, size, inside, [left, top, right, bottom]) {
    const { x, y } = visible(box, picture, size, inside);
    const over = (low, high, from, length, labels) => (low < from + labels ? low - labels - from : high > from + length ? high - from - length : 0);
    const [across, down] = [over(left, right, x, size.width, picture.frozen.left), over(top, bottom, y, size.height, picture.frozen.top)];
    const under = box.getBoundingClientRect().top;
    if (inside) box.scrollBy(across, down);
    else if (under + bottom > window.innerHeight) window.scrollBy(0, under + bottom - window.innerHeight + 8);
    else if (under + top < picture.frozen.top) window.scrollBy(0, under + top - picture.frozen.top - 8);
  }

  /** A press that moves scrolls the box; the click that ends it does nothing. */
  function pan(box, canvas) {
    let start = null;
    canvas.addEventListener("pointerdown", (event) => {
      canvas.dragged = false;
      if (event.pointerType !== "touch" && event.button === 0) start = { x: event.clientX, y: event.clientY, left: box.scrollLeft, top: box.scrollTop };
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!start || !event.buttons) return;
      const [across, down] = [event.clientX - start.x, event.clientY - start.y];
      if (!canvas.dragged && Math.hypot(across, down) < MOVED) return;
      if (!canvas.dragged) canvas.setPointerCapture(event.pointerId);
      canvas.dragged = true;
      canvas.style.cursor = "grabbing";
      box.scrollTo(start.left - across, start.top - down);
    });
    canvas.addEventListener("pointerup", () => { start = null; });
  }

  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  /** Keys of the box: Shift and arrows pan, + - 0 zoom. */
  function keys(event, box, zoomBy) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.shiftKey && event.key in ARROWS) {
      const [across, down] = ARROWS[event.key];
      box.scrollBy(across * STEP * box.clientWidth, down * STEP * box.clientHeight);
    } else if (event.key === "+" || event.key === "=") zoomBy(1.5);
    else if (event.key === "-") zoomBy(1 / 1.5);
    else if (event.key === "0") zoomBy(0);
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  /**
   * A focusable box around a picture that may be larger than the window. A picture that is too wide scrolls in the box, and only the
   * visible part is drawn. The labels, which the picture has in its first `frozen.left` and `frozen.top` pixels, stay. options:
   * {label, paper, zoomBy(factor, 0: fit), place: memory of what the box shows, target: rectangle to show, or null}. Returns the box; `box.settle()` is called when it is in the page.
   */
  function scrolling(canvas, picture, width, options) {
    const inside = picture.width > width + 1;
    const size = { width: Math.min(picture.width, width), height: inside ? Math.min(picture.height, Math.floor(window.innerHeight * TALL)) : picture.height };
    const room = Dom.make("div", { class: "room", style: { width: `${picture.width}px`, height: `${picture.height}px` } }, canvas);
    if (!inside && picture.frozen.top && picture.height > window.innerHeight) room.append(labels(picture, options.paper));
    const box = Dom.make("div", { class: `interactive ${inside ? "zoomed" : "whole"}`, tabindex: "0", role: "group", "aria-label": options.label, "data-key": "picture", style: inside ? { height: `${size.height}px` } : {} }, room);
    const paint = () => Scene.paint(canvas, picture, null, undefined, inside ? visible(box, picture, size, inside) : null);
    const pointOf = (event) => {
      const frame = canvas.getBoundingClientRect();
      const { x, y } = visible(box, picture, size, inside);
      const [left, top] = [event.clientX - frame.left, event.clientY - frame.top];
      return [left < picture.frozen.left ? left : left + x, top < picture.frozen.top ? top : top + y];
    };
    hits(canvas, picture, pointOf);
    let asked = 0;
    const follow = () => {
      if (!asked) asked = requestAnimationFrame(() => { asked = 0; if (box.isConnected) paint(); });
      const { x, y } = visible(box, picture, size, inside);
      options.place.centre = [(x + size.width / 2) / picture.width, (y + size.height / 2) / picture.height];
    };
    box.addEventListener("keydown", (event) => keys(event, box, options.zoomBy));
    box.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      const factor = event.deltaY < 0 ? 1.2 : 1 / 1.2;
      const shown = visible(box, picture, size, inside);
      const [x, y] = pointOf(event); // what is there stays there; the labels do not grow
      const centre = (at, from, length, labels, whole) => (from + (at - labels) * (factor - 1) + length / 2) / (labels + (whole - labels) * factor);
      options.place.centre = [centre(x, shown.x, size.width, picture.frozen.left, picture.width), centre(y, shown.y, size.height, picture.frozen.top, picture.height)];
      options.zoomBy(factor);
    }, { passive: false });
    if (inside) {
      pan(box, canvas);
      box.addEventListener("scroll", follow);
    }
    box.settle = () => {
      const [across, down] = options.place.centre || [0, 0];
      if (inside && options.place.centre) box.scrollTo(across * picture.width - size.width / 2, down * picture.height - size.height / 2);
      if (options.target) reveal(box, picture, size, inside, options.target);
      if (inside) paint();
    };
    paint();
    return box;
  }

  /** Buttons that zoom; limits: [smallest, largest]. */
  function zoomButtons(zoom, limits, zoomBy) {
    return [Dom.button("+", () => zoomBy(1.5), { title: "Zoom in (+)", "aria-label": "Zoom in", "data-key": "zoom in", disabled: zoom >= limits[1] }),
      Dom.button("−", () => zoomBy(1 / 1.5), { title: "Zoom out (-)", "aria-label": "Zoom out", "data-key": "zoom out", disabled: zoom <= limits[0] }),
      Dom.button("Fit", () => zoomBy(0), { title: "Fit the width (0)", "data-key": "zoom fit", disabled: zoom === 1 })];
  }

  return { whole, scrolling, zoomButtons };
})();
if (typeof module !== "undefined") module.exports = Pointing;
