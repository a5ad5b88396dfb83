"""Scripts that look for faults of any page in a browser."""

from __future__ import annotations

CONTRAST = """() => {
  const channels = (text) => { // rgb(), rgba() and color(srgb ...)
    const numbers = text.match(/[\\d.]+(?:e-?\\d+)?/g).map(Number);
    const unit = text.startsWith('color(') ? 255 : 1;
    return [numbers[0] * unit, numbers[1] * unit, numbers[2] * unit, numbers.length > 3 ? numbers[3] : 1];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const luminance = (colour) => { const [r, g, b] = colour.slice(0, 3).map((value) => {
    const share = value / 255; return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const contrast = (a, b) => { const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (high + 0.05) / (low + 0.05); };
  const behind = (element) => {
    let colour = element.parentElement ? behind(element.parentElement) : [255, 255, 255, 1];
    const style = getComputedStyle(element);
    colour = over(channels(style.backgroundColor), colour);
    const gradient = style.backgroundImage.match(/(?:rgba?|color)\\([^)]*\\)/);
    return gradient ? over(channels(gradient[0]), colour) : colour;
  };
  const opacity = (element) => (element ? Number(getComputedStyle(element).opacity) * opacity(element.parentElement) : 1);
  const found = [];
  const compare = (element, colour, below, what) => {
    const front = channels(colour); front[3] *= opacity(element);
    const value = contrast(over(front, below), below);
    if (value < 4.5) found.push(`${value.toFixed(2)} ${what}: ${element.outerHTML.slice(0, 120)}`);
  };
  for (const element of document.querySelectorAll('body *')) {
    if (!element.checkVisibility() || element.closest('script, noscript, .hidden, canvas')) continue;
    const frame = element.getBoundingClientRect();
    if (!frame.width || !frame.height) continue;
    const style = getComputedStyle(element);
    const written = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (written || ['INPUT', 'SELECT'].includes(element.tagName)) compare(element, style.color, behind(element), 'text');
    if (element.placeholder) compare(element, getComputedStyle(element, '::placeholder').color, behind(element), 'placeholder');
    for (const part of ['::before', '::after']) {
      const made = getComputedStyle(element, part);
      if (!['none', 'normal', ''].includes(made.content)) compare(element, made.color, behind(element), part);
    }
    if (element.matches('button, select, input:not([type=range], [type=checkbox])') && parseFloat(style.borderTopWidth)) {
      compare(element, style.borderTopColor, behind(element.parentElement), 'border');
    }
  }
  return found;
}"""
"""Texts and borders of controls that do not stand out enough (WCAG 2, level AA)."""
