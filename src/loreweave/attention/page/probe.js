const Probe = (() => {
  "use strict";

  /** What tests and notebooks may read of a page: getters only. Layers and heads are true indices; numbers are those of the raw tokens. */
  function of(data, store, stateOf) {
    const example = () => data.examples[stateOf().example];
    const head = (number) => {
      const found = example().attention.heads.indexOf(number);
      if (found < 0) throw new Error(`head ${number} was not captured`);
      return found;
    };
    const decoded = (layer) => store.layer(stateOf().example, layer);
    return Object.freeze({
      get state() { return structuredClone(stateOf()); },
      get decoded() { return store.decoded; },
      weight: async (layer, number, query, key) => (await decoded(layer)).value(head(number), query, key),
      classFlow: async (layer) => {
        const from = Analysis.members(example().queries, data.classes);
        const to = Analysis.members(example().keys || example().queries, data.classes);
        const found = await decoded(layer);
        return { from: [...from.keys()], to: [...to.keys()], matrix: Analysis.flow(found.mean([]), found.keys, from, to) };
      },
      rollout: async (row) => {
        const { shape, layers } = example().attention;
        if (example().keys || shape[2] !== shape[3]) throw new Error("rollout needs attention of tokens to themselves");
        return Array.from(await Analysis.rollout(row, shape[2], layers, async (layer) => (await decoded(layer)).mean([])));
      },
      statistics: async (layer, number) => Analysis.statistics(await decoded(layer), head(number), example(), data.classes),
    });
  }

  return { of };
})();
if (typeof module !== "undefined") module.exports = Probe;
