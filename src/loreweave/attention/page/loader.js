(async () => {
  "use strict";

  /** Unpacks the style and the scripts of the page and adds them to it; the scripts start by themselves. */
  try {
    const bytes = await Packed.inflate(Packed.bytesOf(document.getElementById("bundle").textContent));
    const { style, script } = JSON.parse(new TextDecoder().decode(bytes));
    for (const [name, text] of [["style", style], ["script", `${script}\n//# sourceURL=attention.js`]]) {
      const element = document.createElement(name);
      element.textContent = text;
      document.head.append(element);
    }
  } catch (error) {
    document.documentElement.dataset.ready = "0";
    document.getElementById("view").textContent = `This page cannot be shown: ${error.message}`;
  }
})();
