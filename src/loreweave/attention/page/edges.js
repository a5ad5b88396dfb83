const Edges = (() => {
  "use strict";

  /** Smallest weight in the smallest set of a row that reaches `share` of its sum; Infinity if the row is empty. */
  function cut(row, share) {
    const sorted = Float32Array.from(row).sort();
    let total = 0;
    for (const weight of sorted) total += weight;
    if (!(total > 0)) return Infinity;
    let sum = 0;
    for (let i = sorted.length - 1; i >= 0; i--) {
      sum += sorted[i];
      if (sum >= share * total * (1 - 1e-6)) return sorted[i];
    }
    return sorted[0];
  }

  /**
   * Edges that are worth a line. matrix: [rows * columns].
   * options: share (0..1, of each row's weight), least (minimum weight), top (most edges a row, 0: no limit).
   * Returns a list of {query, key, weight}, in the order of the matrix.
   */
  function choose(matrix, rows, columns, options) {
    const edges = [];
    for (let query = 0; query < rows; query++) {
      const row = matrix.subarray(query * columns, (query + 1) * columns);
      const least = Math.max(cut(row, options.share), options.least, 1e-9);
      let found = [];
      for (let key = 0; key < columns; key++) if (row[key] >= least) found.push({ query, key, weight: row[key] });
      if (options.top && found.length > options.top) {
        found = found.sort((a, b) => b.weight - a.weight || a.key - b.key).slice(0, options.top);
      }
      for (const edge of found) edges.push(edge);
    }
    return edges;
  }

  /** The `most` strongest edges, the weakest of them first, so that the strongest are drawn on top. */
  function strongest(edges, most = 20000) {
    const sorted = edges.slice().sort((a, b) => a.weight - b.weight);
    return sorted.length > most ? sorted.slice(sorted.length - most) : sorted;
  }

  /** Largest value of each block of cells, for pictures with fewer pixels than cells: [toRows * toColumns]. */
  function pool(matrix, rows, columns, toRows, toColumns) {
    const result = new Float32Array(toRows * toColumns);
    for (let row = 0; row < rows; row++) {
      const start = Math.min(toRows - 1, Math.floor((row * toRows) / rows)) * toColumns;
      for (let column = 0; column < columns; column++) {
        const place = start + Math.min(toColumns - 1, Math.floor((column * toColumns) / columns));
        const weight = matrix[row * columns + column];
        if (weight > result[place]) result[place] = weight;
      }
    }
    return result;
  }

  return { cut, choose, strongest, pool };
})();
if (typeof module !== "undefined") module.exports = Edges;
