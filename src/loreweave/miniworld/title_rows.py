"""A start for an entity table: each entity begins as the words of its title, so that little text is enough to learn."""

from __future__ import annotations

import torch

from loreweave.corpus.entity_vocabulary import SPECIAL_ENTITIES
from loreweave.encoding import EntityTokenizer
from loreweave.errors import ConfigurationError
from loreweave.models import LukeForMaskedLM


@torch.no_grad()
def rows_from_titles(model: LukeForMaskedLM, tokenizer: EntityTokenizer) -> int:
    """Set the row of every entity to the mean of its title's word rows, less the mean of all word rows.

    Predicting a masked entity then asks for one map from contexts to words, shared by all entities, instead of a new
    vector for each entity. Special entities keep their rows.

    Returns:
        How many rows were set.

    Raises:
        ConfigurationError: the entity table is not as wide as the word table.
    """
    words = model.luke.embeddings.word_embeddings.weight
    entities = model.luke.entity_embeddings.entity_embeddings.weight
    if entities.shape[1] != words.shape[1]:
        raise ConfigurationError(
            f"found entity rows of {entities.shape[1]} and word rows of {words.shape[1]}, expected the same width: "
            f"set entity_embedding_size={words.shape[1]}"
        )
    titled = [(title, id) for title, _, id in tokenizer.entity_vocabulary.items() if title not in SPECIAL_ENTITIES]
    common = words.mean(dim=0)
    encoded = tokenizer.word_tokenizer([title for title, _ in titled], add_special_tokens=False)["input_ids"]
    for (_, row), ids in zip(titled, encoded, strict=True):
        if ids:
            entities[row] = words[ids].mean(dim=0) - common
    return len(titled)
