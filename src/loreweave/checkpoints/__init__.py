"""Checkpoints of every published LUKE format, converted to and from ours, and fairseq's RoBERTa.

`formats/registry.py` lists the formats of LUKE; `fairseq` is for encoders without entities, `sparse_lt` for those with a latent
typer. Public names load on first use.
"""

from __future__ import annotations

from loreweave.lazy_names import names_on_first_use

_PUBLIC = {
    "FORMATS": "loreweave.checkpoints.formats.registry",
    "WRITABLE": "loreweave.checkpoints.formats.registry",
    "recognise": "loreweave.checkpoints.formats.registry",
    "LoadOptions": "loreweave.checkpoints.loading",
    "LoadReport": "loreweave.checkpoints.loading",
    "LoadedCheckpoint": "loreweave.checkpoints.loading",
    "NewLuke": "loreweave.checkpoints.new_luke.from_encoder",
    "luke_from_encoder": "loreweave.checkpoints.new_luke.from_encoder",
    "convert": "loreweave.checkpoints.conversion",
    "load_luke": "loreweave.checkpoints.conversion",
    "fit_state_dict": "loreweave.checkpoints.fitting",
}

__all__ = list(_PUBLIC)

__getattr__ = names_on_first_use(__name__, _PUBLIC)
