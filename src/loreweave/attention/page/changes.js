const Changes = (() => {
  "use strict";

  /** Numbers of the examples with which the one that is shown can be compared: those with the same kind of attention. */
  function candidates({ data, number, example }) {
    return data.examples.flatMap((one, at) => (at !== number && one.kind === example.kind ? [at] : []));
  }

  /** Number of the example to compare with: the chosen one, else the same text of another model, else the same text; -1: none. */
  function otherOf(context) {
    const { data, state, example } = context;
    const possible = candidates(context);
    if (possible.includes(state.other)) return state.other;
    const first = (wanted) => possible.find((at) => wanted(data.examples[at]));
    const name = (one) => data.models[one.model].name;
    const found = first((one) => one.id === example.id && name(one) !== name(example)) ?? first((one) => one.text === example.text);
    return found ?? -1;
  }

  /** Units that both examples have, and the layer of the other one that stands beside `layer`. */
  function pairing(context, other) {
    const { data, state, example, classes, hidden } = context;
    const second = data.examples[other];
    const options = { merge: state.merge, hidden, admits: (side, unit) => context.ofSentence(example, side, unit) };
    return {
      second, units: Aligned.units(example, second, classes, options),
      layerOf: (layer) => Aligned.layerOf(layer, context.layers, second.attention.layers),
      paired: String(context.heads) === String(second.attention.heads) && String(context.layers) === String(second.attention.layers),
    };
  }

  /** Weights of both sides of a layer over the same units: Promise of [Weights, Weights]. */
  function weights(context, other, { units, layerOf }, layer) {
    return Promise.all([context.weights(layer, context.number, { queries: units.queries.first, keys: units.keys.first }),
      context.weights(layerOf(layer), other, { queries: units.queries.second, keys: units.keys.second })]);
  }

  /** Divergence of each head (or, where the heads differ in number, of the mean of the heads) between both sides: [{layer, head, value}]. */
  async function all(context, other, pair) {
    const [rows, columns] = [pair.units.queries.first.length, pair.units.keys.first.length];
    const { merge, special, markers, punctuation, sentences } = context.state;
    const name = ["changes", context.number, other, merge, special, markers, punctuation, sentences].join("/");
    const known = context.memory(name);
    if (known) return [...known];
    const found = [];
    for (const layer of context.layers) {
      const [a, b] = await weights(context, other, pair, layer);
      if (pair.paired) context.heads.forEach((head, place) => found.push({ layer, head, value: Analysis.divergence(a.one(place), b.one(place), rows, columns) }));
      else found.push({ layer, head: "mean", value: Analysis.divergence(a.together([], "mean"), b.together([], "mean"), rows, columns) });
    }
    context.memory(name, found);
    return [...found];
  }

  return { candidates, otherOf, pairing, weights, all };
})();
if (typeof module !== "undefined") module.exports = Changes;
