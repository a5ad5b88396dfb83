const Numbers = (() => {
  "use strict";

  /** Bytes of a base64 text. */
  function bytesOf(base64) {
    const text = atob(base64.trim());
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    return bytes;
  }

  /** Bytes of a block, unpacked. encoding: "deflate", or "rows" for differences of rows. */
  async function unpack(text, encoding) {
    if (encoding === "rows" || encoding === "deflate") return Packed.inflate(Packed.bytesOf(text));
    throw new Error(`unknown encoding of a block: ${encoding}`);
  }

  const tables = {};

  /** The weight that each code stands for: Float32Array [256] for "u8-sqrt", [65536] for "u16". */
  function tableOf(quantization) {
    if (tables[quantization]) return tables[quantization];
    if (quantization === "u8-sqrt") tables[quantization] = Float32Array.from({ length: 256 }, (_, code) => (code / 255) ** 2);
    else if (quantization === "u16") tables[quantization] = Float32Array.from({ length: 65536 }, (_, code) => code / 65535);
    else throw new Error(`unknown quantization: ${quantization}`);
    return tables[quantization];
  }

  /** The codes of a block: Uint8Array or Uint16Array, little-endian. count: how many there must be. */
  function codesOf(bytes, quantization, count) {
    const size = quantization === "u16" ? 2 : 1;
    if (bytes.length !== count * size) throw new Error(`a block has ${bytes.length} bytes, not ${count * size}`);
    return size === 2 ? new Uint16Array(bytes.buffer, bytes.byteOffset, count) : bytes;
  }

  /**
   * One captured layer: codes [heads, queries, keys], row-major, and the weight of each code. reach: how many tokens before and
   * after its place a token sees; null: all of them.
   */
  class Layer {
    constructor(codes, table, heads, queries, keys, reach = null) {
      Object.assign(this, { codes, table, heads, queries, keys, reach });
    }

    /** Keys that a query sees: [first, the one after the last]. */
    span(query) {
      return this.reach ? [Math.max(0, query - this.reach[0]), Math.min(this.keys, query + this.reach[1] + 1)] : [0, this.keys];
    }

    /** Weight of one cell; head is the position among the captured heads. */
    value(head, query, key) {
      return this.table[this.codes[(head * this.queries + query) * this.keys + key]];
    }

    /** Mean over queries of the sum over keys, for one head. */
    group(head, queries, keys) {
      let sum = 0;
      for (const query of queries) for (const key of keys) sum += this.value(head, query, key);
      return queries.length ? sum / queries.length : 0;
    }

    /** Mean over heads: Float32Array [queries * keys]. which: positions of heads; all if empty. */
    mean(which) {
      const cells = this.queries * this.keys;
      const heads = which && which.length ? which : Array.from({ length: this.heads }, (_, head) => head);
      const sum = new Float32Array(cells);
      for (const head of heads) {
        const start = head * cells;
        for (let i = 0; i < cells; i++) sum[i] += this.table[this.codes[start + i]];
      }
      for (let i = 0; i < cells; i++) sum[i] /= heads.length;
      return sum;
    }
  }

  /** Keeps what was used last, up to a total size; the newest stays however large it is. */
  class Recent {
    constructor(most) {
      this.most = most;
      this.total = 0;
      this.kept = new Map();
    }

    get(key) {
      const entry = this.kept.get(key);
      if (!entry) return undefined;
      this.kept.delete(key);
      this.kept.set(key, entry);
      return entry.value;
    }

    set(key, value, size) {
      if (this.kept.has(key)) this.total -= this.kept.get(key).size;
      this.kept.delete(key);
      this.kept.set(key, { value, size });
      this.total += size;
      for (const [old, entry] of this.kept) {
        if (this.total <= this.most || old === key) break;
        this.kept.delete(old);
        this.total -= entry.size;
      }
    }
  }

  /** Layers of the examples, decoded when they are asked for. readBlock(index) gives the text of a block. */
  class Store {
    constructor(examples, readBlock, mostCells = 64e6) {
      this.examples = examples;
      this.readBlock = readBlock;
      this.recent = new Recent(mostCells);
      this.decoded = 0;
    }

    /** Promise of the Layer with the true index `layer` of example number `example`. */
    layer(example, layer) {
      const key = `${example}/${layer}`;
      const known = this.recent.get(key);
      if (known) return known;
      const [, heads, queries, keys] = this.examples[example].attention.shape;
      const promise = this.read(example, layer);
      this.recent.set(key, promise, heads * queries * keys);
      return promise;
    }

    async read(example, layer) {
      const attention = this.examples[example].attention;
      const place = attention.layers.indexOf(layer);
      if (place < 0) throw new Error(`layer ${layer} was not captured`);
      const [, heads, queries, keys] = attention.shape;
      const bytes = await unpack(this.readBlock(attention.blocks[place]), attention.encoding);
      this.decoded += 1;
      const codes = codesOf(bytes, attention.quantization, heads * queries * keys);
      if (attention.encoding === "rows") Packed.addRows(codes, heads, queries, keys);
      return new Layer(codes, tableOf(attention.quantization), heads, queries, keys, attention.reach ? attention.reach[place] : null);
    }

    /** Promise of a relevance matrix, Float32Array [queries * keys]. */
    async relevance(example, number) {
      const { block, shape } = this.examples[example].relevance[number];
      const bytes = await unpack(this.readBlock(block), this.examples[example].attention.encoding);
      if (bytes.length !== shape[0] * shape[1] * 4) throw new Error("a relevance block has a wrong size");
      return new Float32Array(bytes.buffer, bytes.byteOffset, shape[0] * shape[1]);
    }
  }

  return { bytesOf, unpack, tableOf, codesOf, Layer, Recent, Store };
})();
if (typeof module !== "undefined") module.exports = Numbers;
