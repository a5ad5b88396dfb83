const test = require("node:test");
const assert = require("node:assert/strict");
const { join } = require("node:path");
const Tables = require(join(process.env.PAGE, "tables.js"));

const rows = [["b", 2], ["a10", 3], ["a9", 1]];

test("numbers are sorted from the largest, texts from the first, with numbers in them as numbers", () => {
  assert.deepEqual(Tables.sorted(rows, { column: 1, up: false }).map((row) => row[1]), [3, 2, 1]);
  assert.deepEqual(Tables.sorted(rows, { column: 1, up: true }).map((row) => row[1]), [1, 2, 3]);
  assert.deepEqual(Tables.sorted(rows, { column: 0, up: false }).map((row) => row[0]), ["a9", "a10", "b"]);
  assert.deepEqual(Tables.sorted(rows, { column: null }), rows);
  assert.deepEqual(rows[0], ["b", 2]); // the given rows stay as they are
});

test("a column is sorted, turned round and left again; another column starts anew on the first page", () => {
  assert.deepEqual(Tables.next({ column: null, page: 3 }, 1), { column: 1, up: false, page: 0 });
  assert.deepEqual(Tables.next({ column: 1, up: false, page: 3 }, 1), { column: 1, up: true, page: 0 });
  assert.deepEqual(Tables.next({ column: 1, up: true, page: 3 }, 1), { column: null, up: false, page: 0 });
  assert.deepEqual(Tables.next({ column: 1, up: true, page: 3 }, 0), { column: 0, up: false, page: 0 });
});
