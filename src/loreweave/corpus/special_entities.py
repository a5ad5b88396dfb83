"""Names of the entities that every vocabulary has in addition to titles."""

from __future__ import annotations

PAD, UNK, MASK, MASK2 = SPECIAL_ENTITIES = ("[PAD]", "[UNK]", "[MASK]", "[MASK2]")
NIL = "NIL"
"""Stands for no entity in files and predictions; no entity may have this id."""
REQUIRED_SPECIAL_ENTITIES = (PAD, UNK, MASK)
