const Kinds = (() => {
  "use strict";

  const ORDER = ["self", "encoder", "decoder", "cross"];
  const NAMES = { encoder: "encoder", decoder: "decoder", cross: "cross (decoder to encoder)" };
  const SIDES = { self: ["", ""], encoder: ["encoder", "encoder"], decoder: ["decoder", "decoder"], cross: ["decoder", "encoder"] };
  const known = new WeakMap();

  /**
   * Examples that are one entry of the picker: the kinds of attention of one text in an encoder-decoder, or one example of
   * another model. Returns a list of Maps from a kind to the number of its example.
   */
  function groups(data) {
    if (known.has(data)) return known.get(data);
    const found = [];
    let last = null;
    data.examples.forEach((example, number) => {
      const key = `${data.models[example.model].name}\n${example.id}`;
      if (last && last.key === key && example.kind !== "self" && !last.kinds.has("self") && !last.kinds.has(example.kind)) last.kinds.set(example.kind, number);
      else found.push(last = { key, kinds: new Map([[example.kind, number]]) });
    });
    const lists = found.map(({ kinds }) => new Map(ORDER.filter((kind) => kinds.has(kind)).map((kind) => [kind, kinds.get(kind)])));
    known.set(data, lists);
    return lists;
  }

  /** The group of example `number`. */
  function groupOf(data, number) {
    return groups(data).find((group) => [...group.values()].includes(number));
  }

  /** The example of a group that has the wanted kind, otherwise its first. */
  function member(group, kind) {
    return group.has(kind) ? group.get(kind) : [...group.values()][0];
  }

  /** The example that a page shows first: where the decoder's text was given, what its tokens attend to in the encoder. */
  function firstOf(data) {
    return member(groups(data)[0], "cross");
  }

  /** The text of a group: that of the encoder, and that of the decoder. Each is cut to `most` characters. */
  function text(data, group, most = Infinity) {
    const numbers = [group.get("encoder"), group.has("decoder") ? group.get("decoder") : group.get("cross")].filter((number) => number !== undefined);
    const texts = (numbers.length ? numbers : [...group.values()]).map((number) => Tokens.visible(data.examples[number].text));
    return texts.map((one) => Tokens.apart(most === Infinity ? one : Tokens.shorten(one, Math.floor(most / texts.length)))).join(" → ");
  }

  /** Names of the models of the page, without the folders that all of them have: what tells them apart. */
  function modelNames(data) {
    const names = data.models.map(({ name }) => name);
    if (new Set(names).size < 2) return names;
    const parts = names.map((name) => name.split("/"));
    const shared = (list) => {
      let count = 0;
      while (list.every((one) => one.length > count + 1 && one[count] === list[0][count])) count += 1;
      return count;
    };
    const first = shared(parts);
    const last = shared(parts.map((one) => one.slice(first).reverse()));
    return parts.map((one) => one.slice(first, one.length - last).join("/"));
  }

  /** Where the queries and the keys of an example are, as words before "tokens": ["decoder ", "encoder "]. */
  function sides(example) {
    return (SIDES[example.kind] || SIDES.self).map((name) => (name ? `${name} ` : ""));
  }

  return { NAMES, groups, groupOf, member, firstOf, text, modelNames, sides };
})();
if (typeof module !== "undefined") module.exports = Kinds;
