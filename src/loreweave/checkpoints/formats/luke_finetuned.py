"""Fine-tuned models of the original repository: plain state dicts with tiny entity tables and extra word rows.

A file has weights only. The configuration comes from `metadata.json` next to it or from `base` (the archive or model
it was made from), otherwise from the shapes. This format is only read: the original scripts no longer run.

The rows become:

=========  =================================  ==================================================
head       entity rows                        word rows behind those of the base model
=========  =================================  ==================================================
typing     [PAD], [MASK]                      [ENTITY], here <ent>
classifier (pair) [PAD], [HEAD], [TAIL],      [HEAD], [TAIL], here <ent>, <ent2>
           here [PAD], [MASK], [MASK2]
classifier (span) [PAD], [MASK]               none
scorer     [PAD], [MASK]                      [HIGHLIGHT], [PLACEHOLDER], [ENTITY], kept by name
qa_outputs the full table                     none
=========  =================================  ==================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tokenizers import AddedToken
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from loreweave.checkpoints.fitting import build, fit_state_dict
from loreweave.checkpoints.formats import original_rows as rows
from loreweave.checkpoints.formats.luke_original import read_vocabulary
from loreweave.checkpoints.formats.original_layout import add_mask2_row
from loreweave.checkpoints.heads import class_of_head, head_of
from loreweave.checkpoints.inference import config_from, said_in
from loreweave.checkpoints.loading import DEFAULTS, LoadedCheckpoint, LoadOptions, LoadReport
from loreweave.checkpoints.tensor_files import read_tensors
from loreweave.checkpoints.word_tokenizers import find_word_tokenizer, marker_ids, report_marker_rows
from loreweave.corpus.entity_vocabulary import SPECIAL_ENTITIES, EntityVocabulary
from loreweave.encoding import MARKER_TOKENS, EntityTokenizer
from loreweave.errors import CheckpointError

NAME = "luke-finetuned"

CLOZE_TOKENS = ("[HIGHLIGHT]", "[PLACEHOLDER]", "[ENTITY]")
_MARKERS_IN_FILE = {"LukeForEntityClassification": 1, "LukeForEntityPairClassification": 2}
_FILE = "pytorch_model.bin"


def recognises(path: Path) -> bool:
    """Whether it is a `.bin` file, or a folder with `pytorch_model.bin` and no `config.json`, with a task head."""
    file = path / _FILE if path.is_dir() else path
    if file.suffix != ".bin" or not file.is_file() or (file.parent / "config.json").is_file():
        return False
    tensors = read_tensors(file)
    return head_of(tensors) is not None and rows.WORDS in tensors


def load(path: Path, options: LoadOptions = DEFAULTS) -> LoadedCheckpoint:
    """Load as the head's model class; labels are numbered, since the file does not name them."""
    report = LoadReport(NAME, str(path))
    file = path / _FILE if path.is_dir() else path
    state = read_tensors(file)
    head = head_of(state)
    if head is None or rows.WORDS not in state:
        raise CheckpointError(f"{file}: found no task head (typing, classifier, scorer or qa_outputs) over a LUKE encoder")
    cls = class_of_head(head, state, state[rows.WORDS].shape[1], file)
    labels = len(state[f"{head}.weight"])
    if head == "typing":
        state = {name.replace("typing.", "classifier."): tensor for name, tensor in state.items()}
    said = said_in(file.parent, options.base)
    tokenizer = find_word_tokenizer(options.base, said, report)
    tokens = _add_word_rows(state, cls, tokenizer, report)
    vocabulary = _add_entity_rows(state, cls, path, options.base, report)
    changes: dict[str, Any] = {} if cls.__name__ == "LukeForEntityCloze" else {"num_labels": labels}
    if cls.__name__ == "LukeForEntityPairClassification":
        changes["classifier_bias"] = "classifier.bias" in state
    if tokens:
        changes["marker_token_ids"] = tokens
    model = build(options.cls or cls, _config(state, said, file, options, report, changes), options.seed)
    fit_state_dict(model, state, file, report)
    entity_tokenizer = None if tokenizer is None or vocabulary is None else EntityTokenizer(tokenizer, vocabulary)
    return LoadedCheckpoint(model, entity_tokenizer, vocabulary, NAME, report)


def _config(
    state: rows.Tensors,
    said: dict[str, Any] | None,
    file: Path,
    options: LoadOptions,
    report: LoadReport,
    changes: dict[str, Any],
) -> Any:
    """The first release had a switch for the extra queries; the file's own keys decide."""
    aware = options.entity_aware_attention
    if aware is None:
        aware = any(f".{query}." in name for name in state for query in rows.EXTRA_QUERIES)
    return config_from(state, said, file, report, use_entity_aware_attention=aware, **changes)


def _add_word_rows(
    state: rows.Tensors, cls: type[PreTrainedModel], tokenizer: PreTrainedTokenizerFast | None, report: LoadReport
) -> dict[str, int]:
    """Move the extra word rows to the tokenizer's markers; returns ids of tokens that only the cloze task has."""
    size = len(state[rows.WORDS])
    if cls.__name__ == "LukeForEntityCloze":
        return _place_cloze_rows(state, tokenizer, report)
    in_file = _MARKERS_IN_FILE.get(cls.__name__, 0)
    if in_file:
        names = [f"{name} = {id}" for name, id in zip(MARKER_TOKENS, range(size - in_file, size), strict=False)]
        report.notes.append(f"the file's last word rows are {', '.join(names)}")
    if tokenizer is not None:
        ids, sources = marker_ids(tokenizer)
        _check_ids(ids, size - in_file, report)
        if missing := ids[in_file:]:
            rows.set_rows(state, rows.WORD_TABLES, missing, sources[in_file:])
            report_marker_rows(missing, report)
    return {}


def _place_cloze_rows(state: rows.Tensors, tokenizer: PreTrainedTokenizerFast | None, report: LoadReport) -> dict[str, int]:
    """The file's three rows keep their order, after `<ent>` and `<ent2>` if the tokenizer has these."""
    first = len(state[rows.WORDS]) - len(CLOZE_TOKENS)
    in_file = list(range(first, first + len(CLOZE_TOKENS)))
    if tokenizer is None:
        return dict(zip(CLOZE_TOKENS, in_file, strict=True))
    ids, sources = marker_ids(tokenizer)
    _check_ids(ids, first, report)
    new = [AddedToken(token, normalized=False, special=True) for token in CLOZE_TOKENS]
    tokenizer.add_tokens(new, special_tokens=True)
    placed = {token: tokenizer.get_vocab()[token] for token in CLOZE_TOKENS}
    rows.set_rows(state, rows.WORD_TABLES, [*ids, *placed.values()], [*sources, *in_file])
    report_marker_rows(ids, report)
    report.notes.append(f"the rows of {', '.join(CLOZE_TOKENS)} moved from {in_file} to {list(placed.values())}")
    return placed


def _check_ids(ids: Sequence[int], first: int, report: LoadReport) -> None:
    if ids[0] != first:
        raise CheckpointError(
            f"{report.source}: the word tokenizer's <ent> is {ids[0]}, the file's base model has {first} word rows; "
            "--base is not the model that the file was made from"
        )


def _add_entity_rows(
    state: rows.Tensors, cls: type[PreTrainedModel], path: Path, base: Path | None, report: LoadReport
) -> EntityVocabulary | None:
    """Extend a tiny entity table to [PAD], [UNK], [MASK], [MASK2]; the full table of a reader gets a [MASK2] row."""
    size = len(state[rows.ENTITIES])
    if cls.__name__ == "LukeForQuestionAnswering":
        return add_mask2_row(state, _full_vocabulary(path, base), path, report)
    pair = cls.__name__ == "LukeForEntityPairClassification"
    expected = 3 if pair else 2
    if size != expected:
        raise CheckpointError(f"{path}: the entity table has {size} rows, a {cls.__name__} of the original code has {expected}")
    mask, second = 1, 2 if pair else 1
    rows.keep_rows(state, rows.ENTITY_TABLES, [0, mask, mask, second])
    report.added.append("entity rows: [UNK] from [MASK]" + ("" if pair else ", [MASK2] from [MASK]"))
    return EntityVocabulary({name: id for id, name in enumerate(SPECIAL_ENTITIES)})


def _full_vocabulary(path: Path, base: Path | None) -> EntityVocabulary | None:
    folder = path if path.is_dir() else path.parent
    found = read_vocabulary(folder)
    if found is None and base is not None:
        found = read_vocabulary(base)
        if found is None and (base / "entity_vocab.json").is_file():
            found = EntityVocabulary.load(base / "entity_vocab.json")
    return found
