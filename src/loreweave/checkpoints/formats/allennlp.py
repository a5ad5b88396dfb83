"""AllenNLP serialization folders and archives of the newer examples: weights, `config.json`, `vocabulary/labels.txt`.

Training writes `best.th` to its folder and packs `model.tar.gz`, where the weights are called `weights.th`.

The encoder has Hugging Face names after `feature_extractor.embedder.luke_model.`, including marker and [MASK2] rows,
so `base` (the LUKE that training started from) provides configuration, tokenizer and entity vocabulary. This format
is only read.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from transformers import PreTrainedModel

from loreweave import models
from loreweave.checkpoints.fitting import build, fit_state_dict
from loreweave.checkpoints.formats import original_rows as rows
from loreweave.checkpoints.formats.archives import unpack, weights_in
from loreweave.checkpoints.formats.original_layout import check_rows
from loreweave.checkpoints.heads import class_of_head
from loreweave.checkpoints.inference import config_from, said_in
from loreweave.checkpoints.loading import DEFAULTS, LoadedCheckpoint, LoadOptions, LoadReport
from loreweave.checkpoints.tensor_files import read_tensors
from loreweave.checkpoints.word_tokenizers import has_tokenizer
from loreweave.corpus.counts import counted
from loreweave.corpus.files.reading import open_text, read_json
from loreweave.encoding import EntityTokenizer
from loreweave.errors import CheckpointError
from loreweave.models.luke.heads import SPAN_STATES

NAME = "allennlp"

_WEIGHTS = ("best.th", "weights.th")
_ARCHIVE = "model.tar.gz"
_STATES = "model_state*.th"
_PREFIX = "feature_extractor.embedder.luke_model."
# Output of the examples' feature extractors, for those with the same in a Hugging Face class.
_FEATURES = {"entity": (1, 2), "token+entity": (3,)}
# Features of a model called `span_ner`, and their name in our setting `span_features`.
_SPAN_FEATURES = {"token+entity": "all", "token": "words", "entity": "entity"}


def recognises(path: Path) -> bool:
    """Whether it is a folder with weights or an archive of AllenNLP, such an archive, or a `.th` file."""
    if path.is_dir():
        return _weights_in(path) is not None or is_archive(path / _ARCHIVE)
    return path.is_file() and (path.suffix == ".th" or is_archive(path))


def is_archive(path: Path) -> bool:
    """Whether it is a tar of AllenNLP's; reading stops at the first file that decides it."""
    if not path.is_file() or not tarfile.is_tarfile(path):
        return False
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                name = Path(member.name)
                if name.suffix == ".th" or name.parent.name == "vocabulary":
                    return True
                if name.suffix == ".bin" or name.name == "metadata.json":
                    return False
    except (tarfile.TarError, EOFError, OSError):
        pass  # a broken file is not recognised; loading reports the error
    return False


def _weights_in(folder: Path) -> Path | None:
    """The best state, or the only one of training."""
    return weights_in(folder, _WEIGHTS, _STATES)


def _place(path: PurePosixPath) -> str | None:
    """Where a file of an archive is unpacked: weights and configuration by their names, labels in `vocabulary`."""
    if path.parent.name == "vocabulary" and path.suffix == ".txt":
        return f"vocabulary/{path.name}"
    return path.name if path.name in (*_WEIGHTS, "config.json") else None


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    """The weights and the files next to them; of a tar only the required files are unpacked (see `unpack`)."""
    if path.is_dir() and (found := _weights_in(path)) is not None:
        yield found
        return
    if path.suffix == ".th":
        yield path
        return
    tar = path / _ARCHIVE if path.is_dir() else path
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        unpack(tar, folder, _place)
        weights = _weights_in(folder)
        if weights is None:
            raise CheckpointError(f"{tar}: found no {' or '.join(_WEIGHTS)} in the archive")
        yield weights


def load(path: Path, options: LoadOptions = DEFAULTS) -> LoadedCheckpoint:
    """Load as the model named in `config.json`, or otherwise as the typing, pair or span model by the classifier's width.

    Raises:
        CheckpointError: another embedder or other features than those of LUKE's Hugging Face classes.
    """
    report = LoadReport(NAME, str(path))
    with _unpacked(path) as file:
        return _load(file, path, options, report)


def _load(file: Path, path: Path, options: LoadOptions, report: LoadReport) -> LoadedCheckpoint:
    given = read_tensors(file)
    if "classifier.weight" not in given or not any(name.startswith(_PREFIX) for name in given):
        raise CheckpointError(
            f"{path}: found no classifier over {_PREFIX}*, expected a model with the transformers-luke embedder"
        )
    state = {name.removeprefix(_PREFIX): tensor for name, tensor in given.items()}
    hidden = state[rows.WORDS].shape[1]
    states = state["classifier.weight"].shape[1] // hidden
    changes: dict[str, Any] = {}
    if _settings(file.parent, "model", "type") == "span_ner":
        own: type[PreTrainedModel] = models.LukeForEntitySpanClassification
        changes["span_features"] = _span_features(file.parent, states, path)
    else:
        own = class_of_head("classifier", state, hidden, path)
        _check_features(file.parent, states, path)
    cls = options.cls or own
    config = config_from(
        state,
        said_in(options.base),
        path,
        report,
        use_entity_aware_attention=_entity_aware(state, file.parent, options),
        classifier_bias="classifier.bias" in state,
        **_labels(file.parent, len(state["classifier.weight"]), report, path),
        **changes,
    )
    model = build(cls, config, options.seed)
    fit_state_dict(model, state, path, report)
    tokenizer = None
    if options.base is not None and has_tokenizer(options.base):
        tokenizer = EntityTokenizer.from_pretrained(options.base)
        check_rows(state, tokenizer.entity_vocabulary, path)
    else:
        named = _settings(file.parent, "model", "feature_extractor", "embedder", "model_name")
        which = f" ({named})" if isinstance(named, str) else ""
        report.notes.append(f"no tokenizer in the folder; give --base, the LUKE folder that training started from{which}")
    return LoadedCheckpoint(model, tokenizer, tokenizer.entity_vocabulary if tokenizer else None, NAME, report)


def _settings(folder: Path, *names: str) -> Any:
    """A nested value of `config.json`; None if it does not exist."""
    found: Any = read_json(folder / "config.json") if (folder / "config.json").is_file() else None
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _span_features(folder: Path, states: int, path: Path) -> str:
    features = _settings(folder, "model", "feature_extractor", "type")
    known = _SPAN_FEATURES.get(features) if isinstance(features, str) else None
    if known is None or SPAN_STATES[known] != states:
        expected = ", ".join(repr(name) for name in _SPAN_FEATURES)
        found = f"the classifier of spans reads {features!r} features ({states} states)"
        raise CheckpointError(f"{path}: {found}, expected {expected}")
    return known


def _check_features(folder: Path, states: int, path: Path) -> None:
    features = _settings(folder, "model", "feature_extractor", "type")
    if features is not None and states not in _FEATURES.get(features, ()):
        raise CheckpointError(
            f"{path}: the classifier reads {features!r} features ({states} states), "
            "expected 'entity' (1 or 2) or 'token+entity' (3)"
        )


def _entity_aware(state: rows.Tensors, folder: Path, options: LoadOptions) -> bool:
    if options.entity_aware_attention is not None:
        return options.entity_aware_attention
    said = _settings(folder, "model", "feature_extractor", "embedder", "use_entity_aware_attention")
    return bool(said) if said is not None else any(f".{query}." in name for name in state for query in rows.EXTRA_QUERIES)


def _labels(folder: Path, count: int, report: LoadReport, path: Path) -> dict[str, Any]:
    """`id2label` and `label2id` of `vocabulary/labels.txt`, or of the only file with such a name."""
    files = sorted((folder / "vocabulary").glob("*labels.txt"))
    file = folder / "vocabulary" / "labels.txt" if len(files) != 1 else files[0]
    if not file.is_file():
        report.notes.append("no vocabulary/labels.txt: labels are numbered")
        return {"num_labels": count}
    with open_text(file) as lines:
        labels = [line.strip() for line in lines if line.strip()]
    if labels[:1] == ["@@UNKNOWN@@"]:  # a namespace with a class for padding, which the file leaves out
        labels = ["@@PADDING@@", *labels]
    if len(labels) != count:
        place = path / "vocabulary" / file.name
        raise CheckpointError(f"{place}: found {counted(len(labels), 'label')}, the classifier has {count}")
    return {"id2label": dict(enumerate(labels)), "label2id": {label: id for id, label in enumerate(labels)}}
