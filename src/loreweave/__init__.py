"""loreweave weaves knowledge into language models: train, evaluate and inspect entity-aware encoders."""

from __future__ import annotations

from loreweave.lazy_names import names_on_first_use

__version__ = "0.1.0"

_PUBLIC = {
    "AnnotatedText": "loreweave.corpus.annotated_text",
    "Mention": "loreweave.corpus.annotated_text",
    "EntityVocabulary": "loreweave.corpus.entity_vocabulary",
    "KnowledgeGraph": "loreweave.corpus.graphs.knowledge_graph",
    "LoreweaveError": "loreweave.errors",
    "compare": "loreweave.experiments.report.comparison.run",
    "evaluate": "loreweave.tasks.jobs.by_name",
    "finetune": "loreweave.tasks.jobs.by_name",
    "load": "loreweave.tasks.jobs.predictor",
    "pretrain": "loreweave.pretraining.by_recipe",
    "probe": "loreweave.experiments.probes.run",
    "report": "loreweave.experiments.report.run",
    "score": "loreweave.tasks.jobs.score",
    "search": "loreweave.experiments.search.run",
    "rerun": "loreweave.experiments.runs.rerun",
}

__all__ = ["__version__", *_PUBLIC]

__getattr__ = names_on_first_use(__name__, _PUBLIC)
