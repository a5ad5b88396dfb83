const Palette = (() => {
  "use strict";

  const LIGHT = ["#ffffff", "#c3d3e8", "#7c9cc6", "#3c5f93", "#0c2347"];
  const DARK = ["#15191f", "#173a70", "#566079", "#a89d77", "#fee838"];
  const DIVERGING = { light: ["#b35806", "#ffffff", "#1f5fa8"], dark: ["#f0a04b", "#15191f", "#6fb3ff"] };
  const SERIES = ["#0072b2", "#d55e00", "#009e73", "#aa4499", "#8a6500", "#3a86b5", "#7a5195", "#6b6b6b"];
  const SERIES_DARK = ["#5ab4f0", "#ff9d4d", "#3fd0a0", "#e08ad0", "#e6c04a", "#a0d8ff", "#b99ae0", "#b5b5b5"];

  const parse = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

  /** Colour at `share` (0..1) along the stops: [red, green, blue]. */
  function along(stops, share) {
    const place = Math.min(1, Math.max(0, share)) * (stops.length - 1);
    const low = Math.min(stops.length - 2, Math.floor(place));
    const [a, b] = [parse(stops[low]), parse(stops[low + 1])];
    return a.map((value, i) => Math.round(value + (b[i] - value) * (place - low)));
  }

  /** A weight as a share of the colour scale: "linear" or "sqrt". */
  function scaled(weight, scale) {
    return scale === "sqrt" ? Math.sqrt(Math.max(0, weight)) : weight;
  }

  /** Colours of a theme: reads the style sheet's variables, so that each stands in one place. dark: boolean. */
  function of(element, dark) {
    const style = getComputedStyle(element);
    const read = (name) => style.getPropertyValue(name).trim();
    const colours = Object.fromEntries(["paper", "panel", "ink", "soft", "line", "accent", "word", "entity", "sink", "ww", "we", "ew", "ee"].map((name) => [name, read(`--${name}`)]));
    return { ...colours, dark, stops: stops(dark), diverging: dark ? DIVERGING.dark : DIVERGING.light, series: series(dark) };
  }

  /** Relative luminance of [red, green, blue], as WCAG defines it. */
  function luminance(rgb) {
    const [red, green, blue] = rgb.map((value) => (value / 255 <= 0.03928 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  }

  /** Contrast of two colours, 1 to 21. */
  function contrast(a, b) {
    const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (high + 0.05) / (low + 0.05);
  }

  /** [red, green, blue] of a hue (degrees) and a lightness (0..1); saturation 0.7. */
  function ofHue(hue, light) {
    const reach = 0.7 * Math.min(light, 1 - light);
    return [0, 8, 4].map((shift) => {
      const place = (shift + hue / 30) % 12;
      return Math.round(255 * (light - reach * Math.max(-1, Math.min(place - 3, 9 - place, 1))));
    });
  }

  const heads = new Map();

  /** Colour of a head: evenly spaced hues, two levels of contrast with the page, so that neighbours differ in lightness too. */
  function head(number, count, dark) {
    const name = `${number}/${count}/${dark}`;
    if (heads.has(name)) return heads.get(name);
    const hue = (360 * number) / Math.max(1, count);
    const paper = parse(dark ? DARK[0] : LIGHT[0]);
    const wanted = number % 2 ? 8.4 : 4.9;
    let [low, high] = [0, 1];
    for (let step = 0; step < 20; step++) {
      const middle = (low + high) / 2;
      if (contrast(ofHue(hue, middle), paper) > wanted === dark) high = middle;
      else low = middle;
    }
    heads.set(name, css(ofHue(hue, dark ? high : low)));
    return heads.get(name);
  }

  /** Pixels of a matrix with values 0..1: Uint8ClampedArray [4 * cells]. */
  function pixels(values, colours, scale, most = 1) {
    const table = colours.table || Array.from({ length: 256 }, (_, i) => along(colours.stops, i / 255));
    colours.table = table;
    return fill(values, (value) => table[Math.max(0, Math.min(255, Math.round(255 * scaled(most > 0 ? value / most : 0, scale))))]);
  }

  /** Pixels of differences, -most..most: blue where the first is larger, orange where the second is. */
  function differences(values, colours, most) {
    const table = Array.from({ length: 511 }, (_, i) => along(colours.diverging, i / 510));
    const place = (value) => Math.round(255 + 255 * Math.max(-1, Math.min(1, most > 0 ? value / most : 0)));
    return fill(values, (value) => table[place(value)]);
  }

  function fill(values, colourOf) {
    const result = new Uint8ClampedArray(4 * values.length);
    values.forEach((value, i) => {
      const colour = colourOf(value);
      result[4 * i] = colour[0];
      result[4 * i + 1] = colour[1];
      result[4 * i + 2] = colour[2];
      result[4 * i + 3] = 255;
    });
    return result;
  }

  /** Black or white, whichever can be read better on a colour of the scale. */
  function inkOn(colours, share) {
    const below = along(colours.stops, share);
    return contrast(below, [0, 0, 0]) > contrast(below, [255, 255, 255]) ? "#000000" : "#ffffff";
  }

  const stops = (dark) => (dark ? DARK : LIGHT);
  const series = (dark) => (dark ? SERIES_DARK : SERIES);
  const css = (rgb) => `rgb(${rgb.join(", ")})`;

  return { parse, along, scaled, of, contrast, head, stops, series, pixels, differences, inkOn, css };
})();
if (typeof module !== "undefined") module.exports = Palette;
