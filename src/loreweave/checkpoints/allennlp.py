"""AllenNLP serialization folders of the newer examples: `best.th`, `config.json`, `vocabulary/labels.txt`.

The encoder has Hugging Face names behind `feature_extractor.embedder.luke_model.`, marker and [MASK2] rows included,
so `base` (the LUKE that training started from) gives configuration, tokenizer and entity vocabulary. Nothing is
written in this format.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from loreweave.checkpoints import original_rows as rows
from loreweave.checkpoints.fitting import build, fit_state_dict
from loreweave.checkpoints.heads import class_of_head
from loreweave.checkpoints.inference import config_from, said_in
from loreweave.checkpoints.loading import DEFAULTS, LoadedCheckpoint, LoadOptions, LoadReport
from loreweave.checkpoints.original_layout import check_rows
from loreweave.checkpoints.tensor_files import read_tensors
from loreweave.checkpoints.word_tokenizers import has_tokenizer
from loreweave.corpus.files import open_text, read_json
from loreweave.encoding import EntityTokenizer
from loreweave.errors import CheckpointError

NAME = "allennlp"

_WEIGHTS = "best.th"
_PREFIX = "feature_extractor.embedder.luke_model."
# What the feature extractors of the examples hand to the classifier, where a Hugging Face class does the same.
_FEATURES = {"entity": (1, 2), "token+entity": (3,)}


def recognises(path: Path) -> bool:
    """A folder with `best.th`, or a `.th` file."""
    return (path / _WEIGHTS).is_file() if path.is_dir() else path.is_file() and path.suffix == ".th"


def load(path: Path, options: LoadOptions = DEFAULTS) -> LoadedCheckpoint:
    """Load as the typing, pair or span model that the classifier's width tells.

    Raises:
        CheckpointError: another embedder or other features than those of LUKE's Hugging Face classes.
    """
    report = LoadReport(NAME, str(path))
    file = path / _WEIGHTS if path.is_dir() else path
    given = read_tensors(file)
    if "classifier.weight" not in given or not any(name.startswith(_PREFIX) for name in given):
        raise CheckpointError(
            f"{file}: found no classifier over {_PREFIX}*, expected a model with the transformers-luke embedder"
        )
    state = {name.removeprefix(_PREFIX): tensor for name, tensor in given.items()}
    hidden = state[rows.WORDS].shape[1]
    cls = options.cls or class_of_head("classifier", state, hidden, file)
    _check_features(file.parent, state["classifier.weight"].shape[1] // hidden)
    config = config_from(
        state,
        said_in(options.base),
        file,
        report,
        use_entity_aware_attention=_entity_aware(state, file.parent, options),
        classifier_bias="classifier.bias" in state,
        **_labels(file.parent, len(state["classifier.weight"]), report),
    )
    model = build(cls, config, options.seed)
    fit_state_dict(model, state, file, report)
    tokenizer = None
    if options.base is not None and has_tokenizer(options.base):
        tokenizer = EntityTokenizer.from_pretrained(options.base)
        check_rows(state, tokenizer.entity_vocabulary, file)
    else:
        report.notes.append("no tokenizer in the folder; give --base, the LUKE folder that training started from")
    return LoadedCheckpoint(model, tokenizer, tokenizer.entity_vocabulary if tokenizer else None, NAME, report)


def _settings(folder: Path, *names: str) -> Any:
    """A value deep in `config.json`; None where it does not lead."""
    found: Any = read_json(folder / "config.json") if (folder / "config.json").is_file() else None
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _check_features(folder: Path, states: int) -> None:
    features = _settings(folder, "model", "feature_extractor", "type")
    if features is not None and states not in _FEATURES.get(features, ()):
        raise CheckpointError(
            f"{folder}: the classifier reads {features!r} features ({states} states), "
            "expected 'entity' (1 or 2) or 'token+entity' (3)"
        )


def _entity_aware(state: rows.Tensors, folder: Path, options: LoadOptions) -> bool:
    if options.entity_aware_attention is not None:
        return options.entity_aware_attention
    said = _settings(folder, "model", "feature_extractor", "embedder", "use_entity_aware_attention")
    return bool(said) if said is not None else any(f".{query}." in name for name in state for query in rows.EXTRA_QUERIES)


def _labels(folder: Path, count: int, report: LoadReport) -> dict[str, Any]:
    """`id2label` and `label2id` of `vocabulary/labels.txt`."""
    file = folder / "vocabulary" / "labels.txt"
    if not file.is_file():
        report.notes.append("no vocabulary/labels.txt: labels are numbered")
        return {"num_labels": count}
    with open_text(file) as lines:
        labels = [line.strip() for line in lines if line.strip()]
    if len(labels) != count:
        raise CheckpointError(f"{file}: found {len(labels)} labels, the classifier has {count}")
    return {"id2label": dict(enumerate(labels)), "label2id": {label: id for id, label in enumerate(labels)}}
