"""Models: LUKE's encoder and heads with transformers' parameter names, knowledge embeddings. Public names load on first use."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_PUBLIC = {
    "LukeConfig": "transformers",
    "LukePreTrainedModel": "loreweave.models.luke",
    "LukeModel": "loreweave.models.luke",
    "LukeForMaskedLM": "loreweave.models.luke_masked_lm",
    "LukeForEntityClassification": "loreweave.models.luke_heads",
    "LukeForEntityPairClassification": "loreweave.models.luke_heads",
    "LukeForEntitySpanClassification": "loreweave.models.luke_heads",
    "LukeForSequenceClassification": "loreweave.models.luke_heads",
    "LukeForTokenClassification": "loreweave.models.luke_heads",
    "LukeForQuestionAnswering": "loreweave.models.luke_reading_heads",
    "LukeForMultipleChoice": "loreweave.models.luke_reading_heads",
    "LukeForEntityCloze": "loreweave.models.luke_reading_heads",
    "KnowledgeEmbeddingModel": "loreweave.models.knowledge_embedding",
}

__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    """Import a model class on first use, so that `import loreweave.models` does not import torch (PEP 562)."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)
