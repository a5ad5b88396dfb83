const test = require("node:test");
const assert = require("node:assert/strict");
const zlib = require("node:zlib");
const { join } = require("node:path");
global.Packed = require(join(process.env.PAGE, "packed.js"));
const Numbers = require(join(process.env.PAGE, "numbers.js"));

const LETTERS = Array.from({ length: 94 }, (_, at) => String.fromCharCode(33 + at)).filter((letter) => !"\"'<".includes(letter));

/** Compressed bytes as text of 91 characters: 13 bits are two of them, a rest of at most 6 bits is one. */
function packed(bytes) {
  let bits = [...zlib.deflateSync(Buffer.from(bytes))].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  let text = "";
  for (; bits.length; bits = bits.slice(13)) {
    const single = bits.length <= 6;
    const value = parseInt(bits.slice(0, 13).padEnd(single ? 6 : 13, "0"), 2);
    text += single ? LETTERS[value] : LETTERS[Math.floor(value / 91)] + LETTERS[value % 91];
  }
  return text;
}

test("the codes of u8-sqrt stand for squares, those of u16 for shares", () => {
  assert.ok(Math.abs(Numbers.tableOf("u8-sqrt")[51] - 0.04) < 1e-7);
  assert.equal(Numbers.tableOf("u8-sqrt")[255], 1);
  assert.ok(Math.abs(Numbers.tableOf("u16")[13107] - 0.2) < 1e-7);
  assert.throws(() => Numbers.tableOf("u4"), /unknown quantization: u4/);
});

test("a block is unpacked, and other encodings are refused", async () => {
  const bytes = [0, 255, 7, 7, 7];
  assert.deepEqual([...(await Numbers.unpack(packed(bytes), "deflate"))], bytes);
  assert.deepEqual([...(await Numbers.unpack(packed(bytes), "rows"))], bytes);
  await assert.rejects(Numbers.unpack("", "zip"), /unknown encoding/);
});

test("u16 codes are little-endian, and a block of a wrong size is refused", () => {
  assert.deepEqual([...Numbers.codesOf(Uint8Array.from([1, 0, 0, 1]), "u16", 2)], [1, 256]);
  assert.throws(() => Numbers.codesOf(Uint8Array.from([1, 2, 3]), "u8-sqrt", 4), /3 bytes, not 4/);
});

test("a layer is read by head, query and key", () => {
  const codes = Uint8Array.from({ length: 12 }, (_, i) => i);
  const table = Float32Array.from({ length: 256 }, (_, i) => i);
  const layer = new Numbers.Layer(codes, table, 2, 2, 3);
  assert.equal(layer.value(1, 0, 2), 8);
  assert.deepEqual([...layer.mean([])], [3, 4, 5, 6, 7, 8]);
  assert.deepEqual([...layer.mean([1])], [6, 7, 8, 9, 10, 11]);
  assert.equal(layer.group(0, [0, 1], [1, 2]), 6); // (1 + 2 + 4 + 5) / 2
});

test("what was used last is kept, within the size", () => {
  const recent = new Numbers.Recent(10);
  recent.set("a", 1, 4);
  recent.set("b", 2, 4);
  recent.get("a");
  recent.set("c", 3, 4);
  assert.deepEqual([recent.get("a"), recent.get("b"), recent.get("c")], [1, undefined, 3]);
  recent.set("large", 4, 100);
  assert.deepEqual([recent.get("large"), recent.get("a")], [4, undefined]);
});

test("a store decodes only the layers that are asked for, once", async () => {
  const attention = { shape: [2, 1, 1, 2], quantization: "u8-sqrt", encoding: "deflate", layers: [3, 7], heads: [0], blocks: [0, 1] };
  const read = [];
  const store = new Numbers.Store([{ attention }], (number) => { read.push(number); return packed([number ? 255 : 0, 255]); });
  assert.equal((await store.layer(0, 7)).value(0, 0, 0), 1);
  await store.layer(0, 7);
  assert.deepEqual(read, [1]);
  await assert.rejects(store.layer(0, 4), /layer 4 was not captured/);
});

test("text of 91 characters is read in pairs of 13 bits and a last letter of 6 bits", () => {
  assert.deepEqual([...Packed.bytesOf("!#\\")], [0, 15]); // values 0, 1 and 56: 0000000000001 111000
  assert.equal(Packed.bytesOf("").length, 0);
  assert.deepEqual([...Packed.bytesOf("!~")], [2]);
});

test("differences of rows become codes again", () => {
  const codes = Uint8Array.from([8, 10, 1, 0, 255, 5, 8, 10]);
  assert.deepEqual([...Packed.addRows(codes.slice(0, 6), 1, 3, 2)], [8, 12, 9, 12, 8, 16]);
  assert.deepEqual([...Packed.addRows(codes.slice(0, 4), 2, 1, 2)], [8, 12, 1, 0]); // each head starts anew
});
