const Scene = (() => {
  "use strict";

  const FONT = "system-ui, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', sans-serif";
  const MOST_SIDE = 8192;
  let measuring = null;
  let scratch = null;

  /** Width of a text in pixels; an estimate where there is no document. */
  function measure(text, size = 12, bold = false) {
    if (typeof document === "undefined") return Array.from(text).length * size * 0.56;
    measuring = measuring || document.createElement("canvas").getContext("2d");
    measuring.font = `${bold ? "600 " : ""}${size}px ${FONT}`;
    return measuring.measureText(text).width;
  }

  /** The text, cut with an ellipsis so that it is at most `width` wide. */
  function fit(text, width, size = 12, bold = false) {
    if (measure(text, size, bold) <= width) return text;
    const letters = Array.from(text);
    let [low, high] = [0, letters.length];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (measure(`${letters.slice(0, middle).join("")}…`, size, bold) <= width) low = middle;
      else high = middle - 1;
    }
    return `${letters.slice(0, low).join("")}…`;
  }

  /** The text in lines that are at most `width` wide, broken between words. */
  function wrap(text, width, size = 12) {
    const lines = [];
    for (const word of text.split(" ")) {
      const longer = lines.length ? `${lines.at(-1)} ${word}` : word;
      if (lines.length && measure(longer, size) <= width) lines[lines.length - 1] = longer;
      else lines.push(word);
    }
    return lines;
  }

  /**
   * A picture as a list of shapes, which is drawn on a canvas or written as SVG. hits: places that answer to the pointer.
   * frozen: size of the labels on the left and at the top, which stay when a part of the picture is shown; their shapes have
   * `pin`: "x" (do not move to the side), "y" (do not move up and down) or "xy".
   */
  class Picture {
    constructor(width, height) {
      Object.assign(this, { width: Math.max(1, Math.ceil(width)), height: Math.max(1, Math.ceil(height)), shapes: [], hits: [], locate: null, frozen: { left: 0, top: 0 } });
    }

    add(kind, shape) {
      this.shapes.push({ kind, ...shape });
      return this;
    }

    /** style: {colour, alpha, width, dash}. */
    line(x1, y1, x2, y2, style) { return this.add("path", { points: [[x1, y1], [x2, y2]], ...style }); }

    /** Points [[x, y], ...] joined; fill: a colour for a closed area. */
    path(points, style) { return this.add("path", { points, ...style }); }

    /** Smooth curves from left to right that share one style: ends is a list of [x1, y1, x2, y2]. */
    curves(ends, style) { return this.add("curves", { ends, ...style }); }

    rect(x, y, width, height, style) { return this.add("rect", { round: 0, ...style, x, y, width, height }); }

    /** shape: "circle", "square", "triangle" or "diamond". */
    mark(x, y, size, shape, style) {
      if (shape === "circle") return this.add("circle", { x, y, size, ...style });
      if (shape === "square") return this.rect(x - size, y - size, 2 * size, 2 * size, style);
      const points = shape === "triangle" ? [[x, y - size], [x + size, y + size], [x - size, y + size]]
        : [[x, y - size], [x + size, y], [x, y + size], [x - size, y]];
      return this.path(points, style);
    }

    /** style: {colour, size, bold, align: start|middle|end, turn: degrees, most: widest, in pixels}. */
    text(x, y, text, style) {
      const { size = 12, bold = false, most = Infinity } = style;
      return this.add("text", { x, y, align: "start", turn: 0, ...style, size, bold, text: fit(text, most, size, bold) });
    }

    /** Pixels [4 * columns * rows] stretched over a rectangle. */
    image(x, y, width, height, columns, rows, pixels) { return this.add("image", { x, y, width, height, columns, rows, pixels }); }

    /** Shapes that are made when they are drawn: draw(other, part) adds those in a part of the picture to another picture. */
    late(draw) { return this.add("late", { draw }); }

    /** A place that shows `tip` (a text, or a function of x and y) when the pointer is over it, and does `act` when it is clicked. */
    hit(x, y, width, height, tip, act) {
      this.hits.push({ x, y, width, height, tip, act });
      return this;
    }

    /** What is at a point: the newest hit, or what `locate` finds, or null. */
    at(x, y) {
      for (let i = this.hits.length - 1; i >= 0; i--) {
        const hit = this.hits[i];
        if (x >= hit.x && x < hit.x + hit.width && y >= hit.y && y < hit.y + hit.height) return hit;
      }
      return this.locate ? this.locate(x, y) : null;
    }
  }

  function trace(target, shape) {
    target.beginPath();
    if (shape.kind === "circle") target.arc(shape.x, shape.y, shape.size, 0, 2 * Math.PI);
    else if (shape.kind === "rect") target.roundRect(shape.x, shape.y, shape.width, shape.height, shape.round);
    else {
      shape.points.forEach(([x, y], i) => (i ? target.lineTo(x, y) : target.moveTo(x, y)));
      if (shape.fill) target.closePath();
    }
    if (shape.fill) {
      target.fillStyle = shape.fill;
      target.fill();
    }
    if (shape.colour) {
      target.strokeStyle = shape.colour;
      target.lineWidth = shape.width === undefined || shape.kind === "rect" ? shape.stroke || 1 : shape.width;
      target.setLineDash(shape.dash || []);
      target.stroke();
    }
  }

  /** Strokes each curve by itself: one path of thousands that cross is many times slower. */
  function stroke(target, shape) {
    target.strokeStyle = shape.colour;
    target.lineWidth = shape.width;
    target.setLineDash([]);
    for (const [x1, y1, x2, y2] of shape.ends) {
      const middle = (x1 + x2) / 2;
      target.beginPath();
      target.moveTo(x1, y1);
      if (shape.straight) target.lineTo(x2, y2);
      else target.bezierCurveTo(middle, y1, middle, y2, x2, y2);
      target.stroke();
    }
  }

  function write(target, shape) {
    target.save();
    target.translate(shape.x, shape.y);
    if (shape.turn) target.rotate((shape.turn * Math.PI) / 180);
    target.font = `${shape.bold ? "600 " : ""}${shape.size}px ${FONT}`;
    target.textAlign = { start: "left", middle: "center", end: "right" }[shape.align];
    target.textBaseline = "middle";
    target.fillStyle = shape.colour;
    target.fillText(shape.text, 0, 0);
    target.restore();
  }

  /** The pixels on a canvas that is used again and again: read it at once. */
  function bitmap(shape) {
    const canvas = scratch || document.createElement("canvas");
    scratch = canvas;
    canvas.width = shape.columns;
    canvas.height = shape.rows;
    canvas.getContext("2d", { willReadFrequently: true }).putImageData(new ImageData(shape.pixels, shape.columns, shape.rows), 0, 0);
    return canvas;
  }

  /** The shapes of `picture` in a part of it, with those that are made when they are drawn. */
  function shapesIn(picture, part) {
    return picture.shapes.flatMap((shape) => {
      if (shape.kind !== "late") return [shape];
      const made = new Picture(1, 1);
      shape.draw(made, part);
      return made.shapes;
    });
  }

  /** Whether a text, an image or a rectangle is outside of a part of the picture; other shapes are drawn anyway. */
  function outside(shape, { x, y, width, height }) {
    const [across, down] = shape.kind === "text" ? [200, 200] : shape.kind === "image" || shape.kind === "rect" ? [shape.width, shape.height] : [Infinity, Infinity];
    if (across === Infinity) return false;
    const before = shape.kind === "text" ? 200 : 4;
    return shape.x + across < x || shape.x - before > x + width || shape.y + down < y || shape.y - before > y + height;
  }

  function drawShape(target, shape) {
    target.globalAlpha = shape.alpha === undefined ? 1 : shape.alpha;
    if (shape.kind === "text") write(target, shape);
    else if (shape.kind === "image") {
      target.imageSmoothingEnabled = false;
      target.drawImage(bitmap(shape), shape.x, shape.y, shape.width, shape.height);
    } else if (shape.kind === "curves") stroke(target, shape);
    else trace(target, shape);
  }

  /** What is drawn where for a part of a picture: the body moves, the labels stay. Each: {pin, clip and part as {x, y, width, height}}. */
  function regions({ x, y, width, height }, { left, top }) {
    const [wide, high] = [Math.max(0, width - left), Math.max(0, height - top)];
    const box = (at, over, across, down) => ({ x: at, y: over, width: across, height: down });
    return [{ pin: undefined, clip: box(left, top, wide, high), part: box(x + left, y + top, wide, high) },
      { pin: "y", clip: box(left, 0, wide, top), part: box(x + left, 0, wide, top) },
      { pin: "x", clip: box(0, top, left, high), part: box(0, y + top, left, high) },
      { pin: "xy", clip: box(0, 0, left, top), part: box(0, 0, left, top) }];
  }

  /**
   * Draws a picture on a canvas, sharp on dense screens, with no side above 8,192 pixels. paper: background colour or null.
   * view: the part to draw, {x, y, width, height}; null: all of it.
   */
  function paint(canvas, picture, paper, density = window.devicePixelRatio || 1, view = null) {
    const size = view || picture;
    const scale = Math.min(density, MOST_SIDE / size.width, MOST_SIDE / size.height);
    const width = Math.max(1, Math.floor(size.width * scale));
    const height = Math.max(1, Math.floor(size.height * scale));
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    canvas.style.width = `${size.width}px`;
    canvas.style.height = `${size.height}px`;
    const target = canvas.getContext("2d");
    target.setTransform(1, 0, 0, 1, 0, 0);
    target.clearRect(0, 0, canvas.width, canvas.height);
    target.setTransform(scale, 0, 0, scale, 0, 0);
    if (paper) {
      target.fillStyle = paper;
      target.fillRect(0, 0, size.width, size.height);
    }
    if (!view) shapesIn(picture, { x: 0, y: 0, width: picture.width, height: picture.height }).forEach((shape) => drawShape(target, shape));
    for (const { pin, clip, part } of view ? regions(view, picture.frozen) : []) {
      target.save();
      target.beginPath();
      target.rect(clip.x, clip.y, clip.width, clip.height);
      target.clip();
      target.translate(clip.x - part.x, clip.y - part.y);
      for (const shape of shapesIn(picture, part)) if (shape.pin === pin && !outside(shape, part)) drawShape(target, shape);
      target.restore();
    }
    target.globalAlpha = 1;
    return canvas;
  }

  const escape = (text) => String(text).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "�")
    .replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
  const round = (value) => String(Math.round(value * 100) / 100);

  function attributes(shape) {
    const width = shape.kind === "rect" ? shape.stroke || 1 : shape.width || 1;
    const parts = [`fill="${escape(shape.fill || "none")}"`];
    if (shape.colour) parts.push(`stroke="${escape(shape.colour)}" stroke-width="${round(width)}"`);
    if (shape.alpha !== undefined) parts.push(`opacity="${round(shape.alpha)}"`);
    if (shape.dash) parts.push(`stroke-dasharray="${shape.dash.join(" ")}"`);
    return parts.join(" ");
  }

  function element(shape) {
    if (shape.kind === "circle") return `<circle cx="${round(shape.x)}" cy="${round(shape.y)}" r="${round(shape.size)}" ${attributes(shape)}/>`;
    if (shape.kind === "rect") {
      return `<rect x="${round(shape.x)}" y="${round(shape.y)}" width="${round(shape.width)}" height="${round(shape.height)}" rx="${shape.round}" ${attributes(shape)}/>`;
    }
    if (shape.kind === "text") {
      const turn = shape.turn ? ` transform="rotate(${shape.turn} ${round(shape.x)} ${round(shape.y)})"` : "";
      return `<text x="${round(shape.x)}" y="${round(shape.y)}" font-size="${shape.size}" font-weight="${shape.bold ? 600 : 400}" text-anchor="${shape.align}"`
        + ` dominant-baseline="central" fill="${escape(shape.colour)}"${turn}>${escape(shape.text)}</text>`;
    }
    if (shape.kind === "image") {
      return `<image x="${round(shape.x)}" y="${round(shape.y)}" width="${round(shape.width)}" height="${round(shape.height)}"`
        + ` preserveAspectRatio="none" style="image-rendering:pixelated" href="${bitmap(shape).toDataURL("image/png")}"/>`;
    }
    const drawn = shape.kind === "curves"
      ? shape.ends.map(([x1, y1, x2, y2]) => `M${round(x1)} ${round(y1)}C${round((x1 + x2) / 2)} ${round(y1)} ${round((x1 + x2) / 2)} ${round(y2)} ${round(x2)} ${round(y2)}`).join("")
      : shape.points.map(([x, y], i) => `${i ? "L" : "M"}${round(x)} ${round(y)}`).join("") + (shape.fill ? "Z" : "");
    return `<path d="${drawn}" ${attributes(shape)}/>`;
  }

  /** The picture as the text of an SVG file. */
  function svg(picture, paper) {
    const { width, height } = picture;
    return `<?xml version="1.0" encoding="UTF-8"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`
      + ` font-family="${escape(FONT)}">\n<rect width="${width}" height="${height}" fill="${escape(paper)}"/>\n${shapesIn(picture, { x: 0, y: 0, width, height }).map(element).join("\n")}\n</svg>\n`;
  }

  return { Picture, measure, fit, wrap, paint, svg };
})();
if (typeof module !== "undefined") module.exports = Scene;
