"""Models: LUKE's encoder and heads with transformers' parameter names, knowledge embeddings. Public names load on first use."""

from __future__ import annotations

from loreweave.lazy_names import names_on_first_use

_PUBLIC = {
    "LukeConfig": "transformers",
    "LukePreTrainedModel": "loreweave.models.luke.encoder",
    "LukeModel": "loreweave.models.luke.encoder",
    "LukeForMaskedLM": "loreweave.models.luke.masked_lm",
    "LukeForEntityClassification": "loreweave.models.luke.heads",
    "LukeForEntityPairClassification": "loreweave.models.luke.heads",
    "LukeForEntitySpanClassification": "loreweave.models.luke.heads",
    "LukeForSequenceClassification": "loreweave.models.luke.heads",
    "LukeForTokenClassification": "loreweave.models.luke.heads",
    "LukeForQuestionAnswering": "loreweave.models.luke.reading_heads",
    "LukeForMultipleChoice": "loreweave.models.luke.reading_heads",
    "LukeForEntityCloze": "loreweave.models.luke.reading_heads",
    "KnowledgeEmbeddingModel": "loreweave.models.knowledge_embedding",
}

__all__ = list(_PUBLIC)

__getattr__ = names_on_first_use(__name__, _PUBLIC)
