const Chart = (() => {
  "use strict";

  /** Round numbers for an axis from 0 to `most`. */
  function ticks(most, count = 4) {
    if (!(most > 0)) return [0, 1];
    const rough = most / count;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough * 0.999);
    return Array.from({ length: Math.ceil((most * 0.999) / step) + 1 }, (_, i) => Number((i * step).toPrecision(6)));
  }

  /** The frame of a plot: axes, labels, and the functions x(value) and y(value) that place values. options: {x, y, width, height, xs, most, xLabel, yLabel, title}. */
  function frame(picture, colours, options) {
    const top = options.title ? 22 : 8;
    const inner = { left: options.x + 44, right: options.x + options.width - 12, top: options.y + top, bottom: options.y + options.height - 34 };
    const marks = ticks(options.most);
    const most = marks.at(-1);
    const [first, last] = [options.xs[0], options.xs.at(-1)];
    const x = (value) => (last === first ? (inner.left + inner.right) / 2 : inner.left + 8 + ((value - first) / (last - first)) * (inner.right - inner.left - 16));
    const y = (value) => inner.bottom - (value / most) * (inner.bottom - inner.top);
    if (options.title) picture.text(options.x + 8, options.y + 10, options.title, { colour: colours.ink, size: 13, bold: true, most: options.width - 16 });
    for (const mark of marks) {
      picture.line(inner.left, y(mark), inner.right, y(mark), { colour: colours.line, width: 1 });
      picture.text(inner.left - 6, y(mark), String(mark), { colour: colours.soft, size: 11, align: "end" });
    }
    const every = Math.ceil(options.xs.length / Math.max(1, Math.floor((inner.right - inner.left) / 26)));
    (options.xTicks || options.xs.filter((_, i) => i % every === 0)).forEach((value) => {
      picture.text(x(value), inner.bottom + 11, String(value), { colour: colours.soft, size: 11, align: "middle" });
    });
    picture.text((inner.left + inner.right) / 2, inner.bottom + 26, options.xLabel, { colour: colours.soft, size: 11, align: "middle" });
    return { ...inner, x, y, most };
  }

  const SHAPES = ["circle", "square", "triangle", "diamond"];
  const DASHES = [null, [7, 3], [2, 3], [8, 3, 2, 3]];

  /** A line with marks. series: {values: [[x, y], ...], colour, number}: the number chooses the mark and the dash. */
  function line(picture, place, series) {
    const points = series.values.map(([x, y]) => [place.x(x), place.y(y)]);
    picture.path(points, { colour: series.colour, width: 2.5, dash: DASHES[series.number % 4] || undefined });
    for (const [x, y] of points) picture.mark(x, y, 3.5, SHAPES[series.number % 4], { fill: series.colour });
  }

  /** A band between two lines: values [[x, low, high], ...]. */
  function band(picture, place, values, colour, alpha) {
    if (values.length < 2) return;
    const points = [...values.map(([x, , high]) => [place.x(x), place.y(high)]), ...values.map(([x, low]) => [place.x(x), place.y(low)]).reverse()];
    picture.path(points, { fill: colour, alpha });
  }

  /** Names with their marks, in lines that are at most `width` wide; returns the height used. */
  function legend(picture, colours, entries, x, y, width) {
    let [left, top] = [x, y];
    entries.forEach((entry, number) => {
      const text = Scene.fit(entry.name, width - 30, 12);
      const wide = Scene.measure(text, 12) + 34;
      if (left > x && left + wide > x + width) [left, top] = [x, top + 20];
      if (!entry.area) picture.line(left, top + 8, left + 18, top + 8, { colour: entry.colour, width: 2, dash: DASHES[number % 4] || undefined });
      picture.mark(left + 9, top + 8, entry.area ? 6 : 4, entry.area ? "square" : SHAPES[number % 4], { fill: entry.colour });
      picture.text(left + 22, top + 8, text, { colour: colours.ink, size: 12 });
      left += wide;
    });
    return top + 20 - y;
  }

  return { ticks, frame, line, band, legend, SHAPES };
})();
if (typeof module !== "undefined") module.exports = Chart;
