"""Names of the entities that every vocabulary has in addition to titles."""

from __future__ import annotations

PAD, UNK, MASK, MASK2 = SPECIAL_ENTITIES = ("[PAD]", "[UNK]", "[MASK]", "[MASK2]")
REQUIRED_SPECIAL_ENTITIES = (PAD, UNK, MASK)
