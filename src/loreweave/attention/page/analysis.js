const Analysis = (() => {
  "use strict";

  /** Positions of each class that occurs: Map from the class name to a list of positions. */
  function members(tokens, classes) {
    const found = new Map();
    tokens.class.forEach((number, at) => {
      const name = classes[number];
      found.set(name, [...(found.get(name) || []), at]);
    });
    return new Map(classes.filter((name) => found.has(name)).map((name) => [name, found.get(name)]));
  }

  /** Words (all but entities) and entities: Map as of `members`. */
  function halves(tokens, classes) {
    const found = new Map([["word", []], ["entity", []]]);
    tokens.class.forEach((number, at) => found.get(classes[number] === "entity" ? "entity" : "word").push(at));
    return new Map([...found].filter(([, positions]) => positions.length));
  }

  /**
   * Flow between groups: mean over the queries of a group of the sum over the keys of another.
   * matrix [queries * width]; from and to: Maps of positions. Returns rows of numbers; each row sums to 1 where `to` covers all keys.
   */
  function flow(matrix, width, from, to) {
    return [...from.values()].map((queries) => [...to.values()].map((keys) => {
      let sum = 0;
      for (const query of queries) for (const key of keys) sum += matrix[query * width + key];
      return sum / queries.length;
    }));
  }

  /**
   * Flow divided by that of equal weights on all keys that a query sees: 1 is uniform attention; 0 where no query sees the group.
   * rows: as of `flow`; layer: its layer.
   */
  function lift(rows, layer, from, to) {
    const equal = [...from.values()].map((queries) => [...to.values()].map((keys) => queries.reduce((sum, query) => {
      const [first, end] = layer.span(query);
      return sum + keys.filter((key) => key >= first && key < end).length / (end - first);
    }, 0) / queries.length));
    return rows.map((row, at) => row.map((value, column) => (equal[at][column] > 0 ? value / equal[at][column] : 0)));
  }

  /** Attention of an entity: shares on its own mention, on other mentions, on other words, on entities, on the rest. */
  function grounding(matrix, width, example, number, classes) {
    const tokens = example.queries;
    const entity = example.entities[number];
    const own = new Set(entity.words || []);
    const others = new Set(example.entities.flatMap((other) => other.words || []));
    const shares = { own: 0, others: 0, context: 0, entities: 0, rest: 0, back: 0 };
    for (let key = 0; key < width; key++) {
      const weight = matrix[entity.row * width + key];
      const kind = classes[tokens.class[key]];
      if (own.has(key)) shares.own += weight;
      else if (others.has(key)) shares.others += weight;
      else if (kind === "entity") shares.entities += weight;
      else if (kind === "word" || kind === "mention" || kind === "punctuation") shares.context += weight;
      else shares.rest += weight;
    }
    for (const word of own) shares.back += matrix[word * width + entity.row] / own.size;
    return shares;
  }

  /** One step of rollout: vector [size] times (half the mean attention + half the identity), rows made to sum to 1. */
  function rolloutStep(vector, mean) {
    const size = vector.length;
    const result = new Float32Array(size);
    for (let row = 0; row < size; row++) {
      if (!vector[row]) continue;
      let sum = 1;
      for (let key = 0; key < size; key++) sum += mean[row * size + key];
      const share = vector[row] / sum;
      for (let key = 0; key < size; key++) result[key] += share * mean[row * size + key];
      result[row] += share;
    }
    return result;
  }

  /** Rollout of one row through the layers (Abnar and Zuidema 2020). means: from the LAST layer to the first, each may be a promise. */
  async function rollout(row, size, layers, meanOf) {
    let vector = new Float32Array(size);
    vector[row] = 1;
    for (const layer of [...layers].reverse()) vector = rolloutStep(vector, await meanOf(layer));
    return vector;
  }

  /**
   * Rollout of one token of the decoder through an encoder-decoder: what of it comes from each token of the decoder and of the
   * encoder; together they sum to 1. layers: of the decoder and of the encoder; meanOf(kind, layer): may be a promise.
   */
  async function crossRollout(row, sizes, layers, meanOf) {
    let own = new Float32Array(sizes.decoder);
    own[row] = 1;
    let source = new Float32Array(sizes.encoder);
    for (const layer of [...layers.decoder].reverse()) {
      const mean = await meanOf("cross", layer); // the last of a layer is the first on the way back
      for (let query = 0; query < sizes.decoder; query++) {
        let sum = 0;
        for (let key = 0; key < sizes.encoder; key++) sum += mean[query * sizes.encoder + key];
        const share = sum > 0 ? own[query] / (1 + sum) : 0;
        for (let key = 0; share && key < sizes.encoder; key++) source[key] += share * mean[query * sizes.encoder + key];
        own[query] -= share * sum;
      }
      own = rolloutStep(own, await meanOf("decoder", layer));
    }
    for (const layer of [...layers.encoder].reverse()) source = rolloutStep(source, await meanOf("encoder", layer));
    return { decoder: own, encoder: source };
  }

  /** The statistics that mean something for an example: no distance between two texts, and no share of entities that are not there. */
  function sensible(example, classes) {
    const names = ["entropy", "distance", "largest", "self", "previous", "next", "separators", "entities"];
    const keys = example.keys || example.queries;
    const between = new Set(example.keys ? ["distance", "self", "previous", "next"] : []);
    if (!keys.class.some((number) => classes[number] === "entity")) between.add("entities");
    return names.filter((name) => !between.has(name));
  }

  /** Position of each token; that of an entity is the middle of its mention. */
  function stands(example, tokens, classes) {
    const places = Float64Array.from(tokens.text, (_, at) => at);
    for (const entity of example.entities || []) {
      const words = entity.words || [];
      if (words.length && classes[tokens.class[entity.row]] === "entity") {
        places[entity.row] = words.reduce((sum, word) => sum + word, 0) / words.length;
      }
    }
    return places;
  }

  /**
   * What a head does, as means over its queries: entropy (0..1, divided by the logarithm of the number of keys that a query sees;
   * without queries that see one key only), distance (tokens), largest weight, and the shares on itself, previous, next, separators
   * and entities. Entities have no neighbours.
   */
  function statistics(layer, head, example, classes) {
    const { queries } = layer;
    const tokens = example.keys || example.queries;
    const from = stands(example, example.queries, classes);
    const to = stands(example, tokens, classes);
    const kinds = tokens.class.map((number) => classes[number]);
    const sink = kinds.map((kind) => kind === "special" || kind === "separator");
    const sums = { entropy: 0, distance: 0, largest: 0, self: 0, previous: 0, next: 0, separators: 0, entities: 0 };
    const alone = example.queries.class.map((number) => classes[number] === "entity");
    let choosing = 0;
    for (let query = 0; query < queries; query++) {
      const [first, end] = layer.span(query);
      let [largest, entropy] = [0, 0];
      for (let key = first; key < end; key++) {
        const weight = layer.value(head, query, key);
        if (!weight) continue;
        entropy -= weight * Math.log(weight);
        sums.distance += weight * Math.abs(from[query] - to[key]);
        if (weight > largest) largest = weight;
        if (key === query) sums.self += weight;
        else if (!alone[query] && kinds[key] !== "entity") {
          if (key === query - 1) sums.previous += weight;
          else if (key === query + 1) sums.next += weight;
        }
        if (sink[key]) sums.separators += weight;
        else if (kinds[key] === "entity") sums.entities += weight;
      }
      sums.largest += largest;
      if (end - first > 1) {
        sums.entropy += entropy / Math.log(end - first);
        choosing += 1;
      }
    }
    for (const name of Object.keys(sums)) sums[name] /= name === "entropy" ? Math.max(1, choosing) : queries;
    return sums;
  }

  /** Mean over rows of the Jensen-Shannon divergence (0..1) of two matrices [rows * columns]; rows are made to sum to 1. */
  function divergence(first, second, rows, columns) {
    let total = 0;
    let counted = 0;
    for (let row = 0; row < rows; row++) {
      const a = first.subarray(row * columns, (row + 1) * columns);
      const b = second.subarray(row * columns, (row + 1) * columns);
      const sumA = a.reduce((sum, weight) => sum + weight, 0);
      const sumB = b.reduce((sum, weight) => sum + weight, 0);
      if (!(sumA > 0 && sumB > 0)) continue;
      counted += 1;
      for (let i = 0; i < columns; i++) {
        const p = a[i] / sumA;
        const q = b[i] / sumB;
        if (p > 0) total += 0.5 * p * Math.log2((2 * p) / (p + q));
        if (q > 0) total += 0.5 * q * Math.log2((2 * q) / (p + q));
      }
    }
    return counted ? total / counted : 0;
  }

  /** Smallest, quartiles, largest and mean of a list. */
  function spread(values) {
    const sorted = Array.from(values).sort((a, b) => a - b);
    const at = (share) => {
      const place = share * (sorted.length - 1);
      const low = Math.floor(place);
      const high = Math.ceil(place);
      return sorted[low] + (sorted[high] - sorted[low]) * (place - low);
    };
    const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
    return { least: at(0), low: at(0.25), middle: at(0.5), high: at(0.75), most: at(1), mean };
  }

  return { members, halves, flow, lift, grounding, rolloutStep, rollout, crossRollout, sensible, stands, statistics, divergence, spread };
})();
if (typeof module !== "undefined") module.exports = Analysis;
