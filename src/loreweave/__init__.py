"""loreweave weaves knowledge into language models: train, evaluate and inspect entity-aware encoders."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "AnnotatedText": "loreweave.corpus.annotated_text",
    "Mention": "loreweave.corpus.annotated_text",
    "EntityVocabulary": "loreweave.corpus.entity_vocabulary",
    "KnowledgeGraph": "loreweave.corpus.graphs.knowledge_graph",
    "evaluate": "loreweave.tasks.jobs.by_name",
    "finetune": "loreweave.tasks.jobs.by_name",
    "load": "loreweave.tasks.jobs.predictor",
    "pretrain": "loreweave.pretraining.by_recipe",
}

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> Any:
    """Import public names on first use, so that `import loreweave` stays light (PEP 562)."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)
