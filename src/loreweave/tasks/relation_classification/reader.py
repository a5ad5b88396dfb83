"""Files of relation classification, shared with few-shot relations, and records from Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from loreweave.errors import ConfigurationError, DataError
from loreweave.tasks.relation_classification.document_scoring import METRICS as DOCUMENT_METRICS
from loreweave.tasks.relation_classification.settings import RelationConfig
from loreweave.tasks.relations.document import RelationDocument, mentions_of_document
from loreweave.tasks.relations.files import NEGATIVE_LABELS, in_class_order, labels_of, negative_label, query, read
from loreweave.tasks.relations.formats import FORMATS, Item
from loreweave.tasks.relations.record import RelationRecord, mentions_of
from loreweave.tasks.relations.typed_markers import missing_type, types_of
from loreweave.training.settings.conditions import check_read
from loreweave.training.settings.configuration import unknown_name

__all__ = [
    "FORMATS", "NEGATIVE_LABELS", "Item", "chosen_no_label", "in_class_order", "labels_of", "mentions_of_item",
    "negative_label", "query", "read", "settings_for", "unfit", "unscored",
]  # fmt: skip

_HIDDEN = "found a document without relations, expected gold relations (an empty list if it has none)"


def chosen_no_label(labels: Sequence[str], asked: str | None) -> str | None:
    """The label for no relation.

    Args:
        labels: all labels.
        asked: its name; empty for none. Default: the first of `NEGATIVE_LABELS` among the labels.

    Raises:
        ConfigurationError: there is no such label.
    """
    if asked is None:
        return negative_label(labels)
    if asked and asked not in labels:
        same = [label for label in labels if label.casefold().strip() == asked.casefold().strip()]
        hint = f"; did you mean {same[0]!r}?" if same else unknown_name(asked, labels)
        raise ConfigurationError(f"setting 'no_label': {asked!r} is not a label{hint}")
    return asked or None


def mentions_of_item(record: Item) -> tuple[str, Sequence[tuple[int, int]]]:
    """The text of a record and the characters of its mentions."""
    return mentions_of_document(record) if isinstance(record, RelationDocument) else mentions_of(record)


def settings_for(config: RelationConfig, records: Sequence[Item]) -> RelationConfig:
    """The settings with `multi_label` and `mention_types` as in the records.

    Raises:
        ConfigurationError: documents with settings of a model that predicts one relation, or a metric that does not apply.
    """
    documents = any(isinstance(record, RelationDocument) for record in records)
    if documents and config.multi_label is False:
        message = "setting 'multi_label': found false, but pairs of documents have any number of relations; leave it out"
        raise ConfigurationError(message)
    try:
        found = replace(config, multi_label=documents or bool(config.multi_label))
        check_read(found)
    except (ValueError, ConfigurationError) as error:
        what = "the training file has documents (multi_label=true): " if documents else ""
        raise ConfigurationError(f"{what}{error}") from None
    if found.multi_label and config.metric not in (None, *DOCUMENT_METRICS):
        known = ", ".join(DOCUMENT_METRICS)
        raise ConfigurationError(f"setting 'metric': documents have no {config.metric}, expected one of {known}")
    if not found.multi_label and config.metric in ("ign_precision", "ign_f1"):
        raise ConfigurationError(f"setting 'metric': only documents have {config.metric}")
    if found.typed_markers == "tokens" and found.mention_types is None:
        pairs = [types_of(record) for record in records if isinstance(record, RelationRecord)]
        found = replace(found, mention_types=sorted({type for pair in pairs for type in pair}))
    return found


def unscored(record: Item) -> DataError | None:
    """The error of a document to score whose relations are unknown; None if the record has its gold relations."""
    way_out = "'loreweave predict' predicts documents whose relations are hidden"
    return DataError(f"{_HIDDEN}; {way_out}", field="labels") if _is_hidden(record) else None


def _is_hidden(record: Item) -> bool:
    return isinstance(record, RelationDocument) and record.facts is None


def unfit(config: RelationConfig, record: Item) -> DataError | None:
    """The error of a training record without a type that the settings need, or of a document whose relations are unknown; None
    if it has them."""
    if isinstance(record, RelationDocument):
        return DataError(_HIDDEN, field="labels") if _is_hidden(record) else None
    if config.typed_markers == "none":
        return None
    if (error := missing_type(record)) is not None:
        return error
    for name, type in zip(("head", "tail"), types_of(record), strict=True):
        if config.mention_types is not None and type not in config.mention_types:
            return DataError(f"found the type {type!r}, expected one of mention_types", field=f"{name}.type")
    return None
