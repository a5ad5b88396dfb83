const Tokens = (() => {
  "use strict";

  const MARKS = { " ": "␣", "\u00a0": "⍽", "\n": "↵", "\r": "↵", "\t": "⇥" };
  const EMOJI = "\\p{Extended_Pictographic}[\\ufe0f\\u{1f3fb}-\\u{1f3ff}]*";
  const WITH_JOINERS = ["Arabic", "Syriac", "Mongolian", "Devanagari", "Bengali", "Gurmukhi", "Gujarati", "Oriya", "Tamil", "Telugu", "Kannada", "Malayalam", "Sinhala", "Khmer"];
  // Vowel signs and accents that several scripts share belong to none of them alone; their commas and full stops do not join.
  const JOINING = `(?=[\\p{L}\\p{M}\\p{N}])[${WITH_JOINERS.map((script) => `\\p{Script_Extensions=${script}}`).join("")}]`;
  const JOINED = new RegExp(`${EMOJI}(?:\\u200d${EMOJI})+|(?<=${JOINING})[\\u200c\\u200d](?=${JOINING})`, "gu");
  const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

  /** A token's text in which invisible characters are made visible: blanks, controls, marks of direction. The joiners of one emoji stay, and those between letters of scripts that are written with them. */
  function visible(text) {
    if (text === "") return "∅";
    if (/^\s+$/.test(text)) return Array.from(text, (letter) => MARKS[letter] || "␣").join("");
    let shown = "";
    let at = 0;
    for (const joined of text.matchAll(JOINED)) {
      shown += marked(text.slice(at, joined.index)) + joined[0];
      at = joined.index + joined[0].length;
    }
    return shown + marked(text.slice(at));
  }

  function marked(text) {
    return text.replace(UNSEEN, (letter) => MARKS[letter] || `⟨${letter.charCodeAt(0).toString(16).toUpperCase()}⟩`);
  }

  /** Characters start to end of a text, counted as Python does (code points). */
  function slice(text, start, end) {
    return start < 0 ? "" : Array.from(text).slice(start, end).join("");
  }

  /** Whether a text contains another one, whatever the case of the letters is and however they are composed. */
  function contains(text, wanted) {
    const [all, part] = [text, wanted].map((one) => one.normalize("NFC").toLowerCase());
    return all.includes(part);
  }

  /** A short text for a narrow place; keeps the start and the end. */
  function shorten(text, most = 28) {
    const letters = Array.from(text);
    if (letters.length <= most) return text;
    const end = Math.floor(most / 4);
    return `${letters.slice(0, most - end - 1).join("")}…${letters.slice(letters.length - end).join("")}`;
  }

  /** The token table of one side ("queries" or "keys") of an example. */
  function table(example, side) {
    return side === "keys" && example.keys ? example.keys : example.queries;
  }

  /**
   * For each token of a table: the number of the entity whose row it is, those of the entities whose mention it is in, and the
   * number of a mention that has no entity (0: none), in the order of the text.
   */
  function entitiesOf(example, tokens, classes) {
    const found = tokens.text.map(() => ({ row: -1, mentions: [], mention: 0 }));
    (example.entities || []).forEach((entity, number) => {
      if (classes[tokens.class[entity.row]] !== "entity") return;
      found[entity.row].row = number;
      for (const word of entity.words || []) if (found[word]) found[word].mentions.push(number);
    });
    let count = 0;
    found.forEach((one, at) => {
      if (classes[tokens.class[at]] !== "mention" || one.mentions.length) return;
      if (!at || !found[at - 1].mention) count += 1;
      one.mention = count;
    });
    return found;
  }

  /** Name of an entity: its label, and the text of its mention if the label alone says little. */
  function entityLabel(example, number) {
    const entity = example.entities[number];
    const mention = slice(example.text, entity.start, entity.end);
    return mention && mention !== entity.label ? `${entity.label} ${mention}` : entity.label;
  }

  function unit(example, tokens, classes, links, positions) {
    const offsets = tokens === example.queries; // the keys of cross-attention stand in another text
    const first = positions[0];
    const kind = classes[tokens.class[first]];
    const row = links[first].row;
    const pieces = positions.map((at) => tokens.text[at]).join("");
    const written = offsets && positions.length > 1 ? slice(example.text, tokens.start[first], tokens.end[positions.at(-1)]) : "";
    const isEntity = kind === "entity";
    const label = visible(row >= 0 ? entityLabel(example, row) : written || pieces);
    const mentions = [...new Set(positions.flatMap((at) => links[at].mentions))];
    const mention = Math.max(...positions.map((at) => links[at].mention));
    const badge = row >= 0 ? `E${row + 1}` : "";
    const marks = [...mentions.slice(0, 2).map((number) => `E${number + 1}`), ...(mention ? [`M${mention}`] : [])];
    return { label, badge, marks, kind, isEntity, entity: row, mentions, mention, positions, raw: positions.map((at) => tokens.raw[at]) };
  }

  /**
   * What is shown of a token table: units of one or more tokens.
   * options: {merge: boolean, hidden: Set of class names}. Each unit has label, badge, marks (badges of its mentions), kind, isEntity, entity,
   * mentions, mention, positions.
   */
  function units(example, side, classes, options) {
    const tokens = table(example, side);
    const links = entitiesOf(example, tokens, classes);
    const groups = [];
    for (let at = 0; at < tokens.text.length; at++) {
      if (options.hidden && options.hidden.has(classes[tokens.class[at]])) continue;
      const last = groups.at(-1);
      const word = tokens.word[at];
      if (options.merge && last && word >= 0 && last.at(-1) === at - 1 && tokens.word[last[0]] === word) last.push(at);
      else groups.push([at]);
    }
    const found = groups.map((positions) => unit(example, tokens, classes, links, positions));
    return numbered(found);
  }

  const LEFTWARD = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]/;

  /** A text that is written from right to left, set apart so that what stands beside it keeps its order. */
  function apart(text) {
    return LEFTWARD.test(text) ? `\u2068${text}\u2069` : text;
  }

  /** Equal labels get their count, so that "doctor #2" names one token. */
  function numbered(found) {
    const totals = new Map();
    for (const one of found) totals.set(one.label, (totals.get(one.label) || 0) + 1);
    const seen = new Map();
    for (const one of found) {
      seen.set(one.label, (seen.get(one.label) || 0) + 1);
      const count = totals.get(one.label) > 1 ? ` #${seen.get(one.label)}` : "";
      one.name = `${one.badge ? `${one.badge} ` : ""}${apart(shorten(one.label))}${count}`;
    }
    return found;
  }

  /** The unit of each position, -1 for hidden ones: Int32Array [count]. */
  function placesOf(found, count) {
    const places = new Int32Array(count).fill(-1);
    found.forEach((one, place) => one.positions.forEach((at) => { places[at] = place; }));
    return places;
  }

  /**
   * Weights between units: the sum over the keys' sub-words, the mean over the queries' sub-words (rows keep their sum).
   * read(query, key) gives a token's weight. Returns Float32Array [queries.length * keys.length].
   */
  function reduce(read, queries, keys, keyCount) {
    const places = placesOf(keys, keyCount);
    const result = new Float32Array(queries.length * keys.length);
    queries.forEach((one, row) => {
      const start = row * keys.length;
      const share = 1 / one.positions.length;
      for (const query of one.positions) {
        for (let key = 0; key < keyCount; key++) {
          if (places[key] >= 0) result[start + places[key]] += read(query, key) * share;
        }
      }
    });
    return result;
  }

  /** Weights of a layer between units: of one head, or the mean or the maximum over several. */
  class Weights {
    constructor(layer, queries, keys) {
      Object.assign(this, { layer, queries, keys, known: new Map() });
    }

    /** One head (position among the captured): Float32Array [queries * keys]. */
    one(head) {
      if (!this.known.has(head)) {
        const { codes, table: values, queries, keys } = this.layer;
        const start = head * queries * keys;
        this.known.set(head, reduce((q, k) => values[codes[start + q * keys + k]], this.queries, this.keys, keys));
      }
      return this.known.get(head);
    }

    /** Several heads as one: mode "mean" or "max". heads: positions, all if empty. */
    together(heads, mode) {
      const key = `${mode}/${heads.join()}`;
      if (!this.known.has(key)) this.known.set(key, mode === "max" ? this.most(heads) : this.mean(heads));
      return this.known.get(key);
    }

    mean(heads) {
      const mean = this.layer.mean(heads);
      const width = this.layer.keys;
      return reduce((q, k) => mean[q * width + k], this.queries, this.keys, width);
    }

    most(heads) {
      const which = heads.length ? heads : Array.from({ length: this.layer.heads }, (_, head) => head);
      const result = new Float32Array(this.queries.length * this.keys.length);
      for (const head of which) this.one(head).forEach((weight, i) => { if (weight > result[i]) result[i] = weight; });
      return result;
    }
  }

  /** Numbers of the units that hold any of the positions. */
  function unitsAt(found, positions) {
    const wanted = new Set(positions);
    return found.flatMap((one, place) => (one.positions.some((at) => wanted.has(at)) ? [place] : []));
  }

  /** Name of a group of positions. */
  function nameOf(found, positions) {
    const names = unitsAt(found, positions).map((place) => found[place].name);
    return names.length > 3 ? `${names.slice(0, 2).join(" + ")} + ${names.length - 2} more` : names.join(" + ") || "nothing";
  }

  return { visible, slice, contains, shorten, apart, table, entitiesOf, entityLabel, units, placesOf, reduce, Weights, unitsAt, nameOf };
})();
if (typeof module !== "undefined") module.exports = Tokens;
