"""Pages of BertViz and attnview for arrays of attention, in a Python that has them (see attention_page.py).

    PYTHON attention_pages.py ARRAYS.npz TOOL PAGE.html

TOOL: bertviz-head, bertviz-model, attnview.
"""

import sys
from pathlib import Path

import numpy as np


def main() -> None:
    """Write the page."""
    arrays, tool, page = sys.argv[1:]
    stored = np.load(arrays)
    weights = stored["weights"].astype(np.float32)  # [layer, head, query, key]
    tokens = [str(token) for token in stored["tokens"]]
    if tool == "attnview":
        import attnview

        cache = {f"blocks.{number}.attn.hook_pattern": layer[None] for number, layer in enumerate(weights)}
        attnview.export_cache(cache, page, tokens=tokens)
        return
    import bertviz
    import torch

    view = {"bertviz-head": bertviz.head_view, "bertviz-model": bertviz.model_view}[tool]
    fragment = view([torch.from_numpy(layer)[None] for layer in weights], tokens, html_action="return").data
    head = '<!DOCTYPE html><html><head><meta charset="utf-8"></head>'
    Path(page).write_text(f"{head}<body>{fragment}</body></html>", encoding="utf-8")


if __name__ == "__main__":
    main()
