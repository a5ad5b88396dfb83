"""`loreweave evaluate entity-linking`: a linker, or any encoder, on given mentions or end to end."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from loreweave.corpus.counts import counted, listed
from loreweave.corpus.files.records import describe_skipped
from loreweave.corpus.knowledge.entity_table import described
from loreweave.corpus.special_entities import NIL
from loreweave.encoding.model_names import resolve
from loreweave.errors import CheckpointError, ConfigurationError, DataError, records_of
from loreweave.metrics.linking.cases import Label
from loreweave.tasks.contract import Execution
from loreweave.tasks.embedding_cache import EmbeddingCache, hash_of_folder
from loreweave.tasks.entity_linking import model as models
from loreweave.tasks.entity_linking.candidates import without_overlaps
from loreweave.tasks.entity_linking.decision import Ranked
from loreweave.tasks.entity_linking.description_model import encode_entities
from loreweave.tasks.entity_linking.global_network import LukeLinker
from loreweave.tasks.entity_linking.linker import LinkingModel
from loreweave.tasks.entity_linking.network import DescriptionLinker
from loreweave.tasks.entity_linking.reader import read
from loreweave.tasks.entity_linking.record import LinkingRecord
from loreweave.tasks.entity_linking.scoring import (
    KnowledgeBase,
    answers,
    gold_rows,
    ranked_mentions,
    score_found,
    score_ranked,
)
from loreweave.tasks.entity_linking.settings import NAME, EntityLinkingConfig, EvaluationSettings, KnowledgeSettings
from loreweave.tasks.jobs.checkpoints import load_checkpoint_of
from loreweave.tasks.jobs.predictor import Predictor, load
from loreweave.tasks.jobs.records import outputs_of
from loreweave.tasks.model_folders import is_checkpoint_of
from loreweave.tasks.registry import load_training
from loreweave.training.devices import autocast, choose_device
from loreweave.training.evaluation import Evaluation
from loreweave.training.inference import move

_SHOWN = 3
"""Number of names in a note."""
_CACHE_ROWS = 1024
"""Number of texts per stored shard: what a changed or added entity costs."""


def evaluate(model: Path, data: Path, settings: EvaluationSettings, execution: Execution) -> tuple[Evaluation, dict[str, Any]]:
    """See `contract.Task`.

    Raises:
        LoreweaveError: the data or the model cannot be read.
    """
    reading = execution.reading
    loaded = _opened(model, settings, execution)
    if not settings.names and isinstance(loaded.model, LukeLinker):
        raise ConfigurationError("setting 'names': a LUKE predicts an entity among the candidates of a name; leave it out")
    loaded.encoding.look_up = settings.names
    if settings.order is not None:
        if not isinstance(loaded.model, LukeLinker):
            raise ConfigurationError("setting 'order': found a linker over descriptions, which links each mention alone")
        loaded.model.order = settings.order
    records = read(data, reading.format, reading.skip_bad, settings.mentions)
    for line in describe_skipped(records, data):
        execution.report(line)
    if not records.records:
        raise DataError("found no record to score", path=data)
    started = time.monotonic()
    with records_of(data):
        if settings.mentions == "found":
            evaluation = _end_to_end(loaded, records.records, execution, settings)
        else:
            ranked = ranked_by(loaded, records.records, execution)
            evaluation = score_ranked(records.records, ranked, loaded.encoding.finder.table)
    evaluation.notes.extend(_below_nil(loaded, evaluation.predictions))
    facts = {"name": data.name.partition(".")[0], "records": len(records.records), "skipped": dict(records.skipped)}
    facts |= {"left_out": records.left_out, "dropped": dict(records.dropped), "encoding": loaded.encoding.report()}
    facts |= {"entities": len(loaded.encoding.finder.table), "seconds": round(time.monotonic() - started, 3)}
    facts |= {"decision": loaded.decision()}
    if unknown := loaded.encoding.finder.unknown:
        facts["candidates_outside_the_table"] = len(unknown)
        names = listed((name for name, _ in unknown.most_common(_SHOWN)), total=len(unknown))
        many = counted(len(unknown), "candidate")
        execution.report(f"the dictionary has {many} that the table of entities does not have: {names}")
    return evaluation, facts


def _below_nil(loaded: LinkingModel, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """A note about the mentions that have candidates, but no entity, because the best score is below the threshold of NIL."""
    mentions = [one for row in rows for one in row["predicted"]]
    below = sum(one["entity"] == NIL and bool(one["candidates"]) for one in mentions)
    models = (loaded, loaded.for_unknown)
    nils = dict.fromkeys(f"nil={nil:.3g}" for one in models if one and (nil := one.encoding.decision.nil) is not None)
    have = "and has no entity" if below == 1 else "and have no entity"
    many = f"{below:,} of {counted(len(mentions), 'mention')} scored below {' or '.join(nils)} {have}"
    known = "" if loaded.for_unknown is None else " for known names"
    return [f"{many} (nil=NUMBER changes it{known})"] if below else []


def _opened(model: Path, settings: EvaluationSettings, execution: Execution) -> LinkingModel:
    """See `open_linker`; the error about an encoder without training names the setting that evaluates it."""
    try:
        return open_linker(model, settings, execution, untrained=settings.untrained)
    except CheckpointError as error:
        if settings.untrained or is_checkpoint_of(NAME, resolve(model)):
            raise
        raise CheckpointError(f"{error}; untrained=true with entities=FILE evaluates an encoder without training") from None


def _end_to_end(
    loaded: LinkingModel, records: Sequence[LinkingRecord], execution: Execution, settings: KnowledgeSettings
) -> Evaluation:
    """Find the names, link them, and compare with the gold mentions."""
    found = find_names(records, loaded, settings, execution)
    predicted = link(loaded, found, execution)
    base = KnowledgeBase(loaded.encoding.finder.table)
    rows = [
        {"id": record.id, "text": record.text, "predicted": guesses, "gold": gold_rows(record, base)}
        for record, guesses in zip(records, predicted, strict=True)
    ]
    return score_found(records, predicted, base, rows)


def open_tagger(settings: KnowledgeSettings, execution: Execution) -> Predictor | None:
    """The checkpoint of ner that finds names, on its device; None if the settings name none.

    Raises:
        CheckpointError: there is no such checkpoint.
    """
    if settings.ner is None:
        return None
    return load(settings.ner, task="ner", device=execution.device, batch_size=execution.batch_size)


def find_names(
    records: Sequence[LinkingRecord],
    loaded: LinkingModel,
    settings: KnowledgeSettings,
    execution: Execution,
    tagger: Predictor | None = None,
) -> list[LinkingRecord]:
    """The records with the names in their texts as mentions, instead of their own: those of the dictionary and of the entities,
    or those that a checkpoint of ner finds; of nested ones the outermost. `tagger`: that checkpoint, if it is open already."""
    tagger = tagger or open_tagger(settings, execution)
    if tagger is None:
        finder = loaded.encoding.finder
        spans = [finder.names_in(record.text, settings.link_probability, settings.whole_names) for record in records]
    else:
        found = tagger.predict([record.text for record in records])
        spans = [without_overlaps((one["start"], one["end"]) for one in mentions) for mentions in found]
    return [
        replace(record, mentions=tuple(Label(start, end, coreference=False) for start, end in places))
        for record, places in zip(records, spans, strict=True)
    ]


def link(
    loaded: LinkingModel, records: Sequence[LinkingRecord], execution: Execution, top: int = 5
) -> list[list[dict[str, Any]]]:
    """Answers for the mentions of records: entity, label, QID, probability and candidates."""
    table = loaded.encoding.finder.table
    ranked = ranked_by(loaded, records, execution)
    return [answers(record, found, table, top) for record, found in zip(records, ranked, strict=True)]


def ranked_by(loaded: LinkingModel, records: Sequence[LinkingRecord], execution: Execution) -> list[list[Ranked]]:
    """Candidates of the mentions of records, the best first; those of mentions with unknown names by `for_unknown`."""
    outputs = outputs_of(loaded, records, execution.batch_size, execution.precision, execution.advance)
    ranked = ranked_mentions(records, outputs, loaded.encoding.decision)
    other = loaded.for_unknown
    if other is None:
        return ranked
    unknown = [[place for place, one in enumerate(found) if not len(one.rows)] for found in ranked]
    asked = [_only(record, places) for record, places in zip(records, unknown, strict=True)]
    outputs = outputs_of(other, asked, execution.batch_size, execution.precision)
    for found, places, linked in zip(ranked, unknown, ranked_mentions(asked, outputs, other.encoding.decision), strict=True):
        for place, one in zip(places, linked, strict=True):
            found[place] = one
    return ranked


def _only(record: LinkingRecord, places: Sequence[int]) -> LinkingRecord:
    """The record with some of the mentions that are asked for."""
    indices = record.asked()
    return replace(record, mentions=tuple(record.mentions[indices[place]] for place in places))


def open_linker(model: Path, settings: KnowledgeSettings, execution: Execution, *, untrained: bool = False) -> LinkingModel:
    """A checkpoint, or an encoder without training, with the entities and names of the settings, on its device.

    Raises:
        ConfigurationError: no entities for an encoder, or settings that do not fit together.
        LoreweaveError: something cannot be read.
    """
    if untrained:
        if settings.entities is None:
            raise ConfigurationError("untrained=true needs entities=FILE, the entities to link to")
        config = EntityLinkingConfig(
            entities=settings.entities, dictionary=settings.dictionary, base=execution.base, language=settings.language
        )
        loaded = models.build(str(resolve(model)), [], config, settings.added_entities)
    else:
        training = replace(load_training(NAME), load=partial(models.load, changes=settings))
        loaded = load_checkpoint_of(training, model, execution.base, None)  # type: ignore[assignment]
    loaded.encoding.finder.partial = settings.partial_names
    loaded = models.with_unknown_names(loaded, settings.unknown_names, settings.description_linker)
    if settings.nil is not None:
        loaded.encoding.decision = replace(loaded.encoding.decision, nil=settings.nil)
        if loaded.for_unknown is not None:
            execution.report(
                f"nil={settings.nil:g} does not apply to mentions with unknown names: they are linked by descriptions, whose "
                "scores have another scale"
            )
    execution.report(f"linking to {described(loaded.encoding.finder.table)}")
    move(loaded.model, choose_device(execution.device)).eval()
    over_descriptions = loaded.for_unknown or loaded
    move(over_descriptions.model, choose_device(execution.device)).eval()
    if settings.cache is not None:
        _store(over_descriptions, Path(settings.cache), resolve(settings.description_linker or model), execution)
    return loaded


def _store(loaded: LinkingModel, folder: Path, model: Path, execution: Execution) -> None:
    """Encode all entities into the cache's folder, and read their vectors from there."""
    if not isinstance(loaded.model, DescriptionLinker):
        raise ConfigurationError(
            "setting 'cache': a LUKE has a table of entities, and no vectors to store; leave it out, or add "
            "unknown_names=nearest"
        )
    texts, vectors = loaded.encoding.texts, loaded.model.entities
    key = {"model": hash_of_folder(model), "pooling": "mean", "length": texts.longest, "precision": execution.precision}
    cache = EmbeddingCache(folder, key, shard_rows=_CACHE_ROWS)
    device = next(loaded.model.parameters()).device
    with autocast(device, execution.precision):
        stored = cache.embed(texts, partial(encode_entities, loaded.model))
    execution.report(f"vectors of entities: {cache.encoded:,} encoded, {cache.reused:,} from the cache")
    assert vectors is not None, "set when the model is assembled"
    vectors.stored = stored.rows
