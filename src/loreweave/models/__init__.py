"""Models: LUKE's encoder and heads with transformers' parameter names, knowledge embeddings. Public names load on first use."""

from __future__ import annotations

from importlib import import_module
from typing import Any

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


def __getattr__(name: str) -> Any:
    """Import a model class on first use, so that `import loreweave.models` does not import torch (PEP 562)."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)
