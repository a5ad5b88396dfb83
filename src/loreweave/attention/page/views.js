const Views = (() => {
  "use strict";

  /** The views after the first four, in the order of their keys. */
  function others() {
    return [];
  }

  return { others };
})();
