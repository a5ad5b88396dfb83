"""Head of a checkpoint that training starts from, which is left out."""

from __future__ import annotations

from pathlib import Path

from loreweave.corpus.counts import counted
from loreweave.corpus.files.reading import read_json

_OF_PRETRAINING = ("ForMaskedLM", "ForPreTraining", "LMHeadModel")


def head_in(source: Path) -> str | None:
    """Head of a fine-tuned checkpoint, in words; None for an encoder or a pre-trained model."""
    file = source / "config.json"
    content = read_json(file) if file.is_file() else {}
    if "model_type" not in content:
        return _head_of_another_format(source)
    kept = content.get("loreweave")
    named = str(next(iter(content.get("architectures") or ()), ""))
    classes = len(content.get("id2label") or {})
    if isinstance(kept, dict) and kept.get("task"):
        return f"the head for {kept['task']}" + (f" ({counted(classes, 'class', 'classes')})" if classes else "")
    if "For" not in named or named.endswith(_OF_PRETRAINING):
        return None
    return f"the head of {named}" + (
        f" ({counted(classes, 'class', 'classes')})" if classes and "Classification" in named else ""
    )


def _head_of_another_format(source: Path) -> str | None:
    from loreweave.checkpoints.formats import allennlp, luke_finetuned

    for module in (allennlp, luke_finetuned):
        if module.recognises(source):
            return f"the head of the fine-tuned model ({module.NAME})"
    return None
