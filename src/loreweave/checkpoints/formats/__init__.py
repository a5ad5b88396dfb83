"""Foreign weight formats, to and from ours; `registry.py` lists them."""
