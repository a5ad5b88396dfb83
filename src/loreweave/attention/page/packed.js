const Packed = (() => {
  "use strict";

  const RATE = 80;
  const VALUES = new Uint8Array(128);
  Array.from({ length: 94 }, (_, at) => String.fromCharCode(33 + at)).filter((letter) => !"\"'<".includes(letter)).forEach((letter, value) => { VALUES[letter.charCodeAt(0)] = value; });

  /** Bytes of a text of 91 characters: two of them are 13 bits, a single last one is 6 bits. */
  function bytesOf(text) {
    const pairs = text.length >> 1;
    const bytes = new Uint8Array((pairs * 13 + (text.length % 2) * 6) >> 3);
    let [bits, count, place] = [0, 0, 0];
    for (let at = 0; at < text.length; at += 2) {
      const single = at + 1 === text.length;
      const first = VALUES[text.charCodeAt(at)];
      bits = single ? (bits << 6) | first : (bits << 13) | (first * 91 + VALUES[text.charCodeAt(at + 1)]);
      count += single ? 6 : 13;
      while (count >= 8) {
        count -= 8;
        bytes[place++] = (bits >> count) & 255;
      }
      bits &= (1 << count) - 1;
    }
    return bytes;
  }

  /** Promise of decompressed bytes. */
  async function inflate(bytes) {
    if (typeof DecompressionStream === "undefined") throw new Error("this browser cannot unpack compressed data: use a newer browser");
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  /**
   * Differences of codes [heads * queries * keys] from their prediction become the codes, in place. A code is predicted from the
   * running mean of the codes above it and from the difference of its left neighbour.
   */
  function addRows(codes, heads, queries, keys) {
    const means = new Int32Array(keys);
    let at = 0;
    for (let head = 0; head < heads; head++) {
      means.fill(0);
      for (let query = 0; query < queries; query++) {
        const rate = Math.max(RATE, Math.floor(256 / (query + 1)));
        let left = 0;
        for (let key = 0; key < keys; key++, at++) {
          const mean = (means[key] + 128) >> 8;
          const code = (codes[at] + mean + (left >> 2)) & 255;
          left = code - mean;
          codes[at] = code;
          means[key] += (((code << 8) - means[key]) * rate) >> 8;
        }
      }
    }
    return codes;
  }

  return { bytesOf, inflate, addRows };
})();
if (typeof module !== "undefined") module.exports = Packed;
