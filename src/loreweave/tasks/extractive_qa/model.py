"""Models of extractive question answering: transformers' own class for any encoder, and ours for a LUKE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from torch import nn
from transformers import AutoModelForQuestionAnswering, PreTrainedModel

from loreweave.checkpoints.encoders import lacking_weights
from loreweave.corpus.mentions.dictionary import MentionDictionary
from loreweave.encoding import EntityTokenizer
from loreweave.errors import CheckpointError, ConfigurationError
from loreweave.metrics.answers import best_threshold, score_answer
from loreweave.models import LukeForQuestionAnswering
from loreweave.models.dropout_settings import set_hidden_dropout
from loreweave.models.segments import reads_segments
from loreweave.tasks.extractive_qa.encoding import QaEncoding
from loreweave.tasks.extractive_qa.entity_input import FindEntities
from loreweave.tasks.extractive_qa.mention_entities import entity_finder
from loreweave.tasks.extractive_qa.prediction import answer, decisions
from loreweave.tasks.extractive_qa.record import LABELS, NO_ANSWER, QuestionRecord, has_negatives
from loreweave.tasks.extractive_qa.scoring import score
from loreweave.tasks.extractive_qa.settings import (
    MENTION_SETTINGS,
    NAME,
    PredictionSettings,
    QaConfig,
    QaSettings,
    changed,
    check_threshold,
)
from loreweave.tasks.heads import check_for_encoder
from loreweave.tasks.model_folders import SETTINGS, config_of, describe, is_luke, settings_of
from loreweave.tasks.record_task import has_architecture
from loreweave.tasks.starting_points import new_classifier, read_luke, start_luke_head, window_length
from loreweave.tasks.transformers_heads import load_with_head, read_with_head, words_alone
from loreweave.training.evaluation import Evaluation, Outputs
from loreweave.training.losses import span_cross_entropy
from loreweave.training.task_model import TaskModel

HEAD = "qa_outputs"
ENDS = ("start", "end")
"""Names of the two scores of a sub-word."""
KIND = "question answering"


@dataclass(frozen=True)
class QaModel(TaskModel):
    """A model whose outputs are scores of sub-words, not of labels."""

    encoding: QaEncoding

    @property
    def labels(self) -> list[str]:
        """Kinds of questions that the model knows: those with an answer and, if it can predict it, those without."""
        return list(LABELS) if self.encoding.settings.with_negative in (True, None) else list(LABELS[:1])

    def configure(self, settings: Any) -> None:
        """Take settings of an evaluation or prediction in place of those of the checkpoint.

        Raises:
            ConfigurationError: a threshold of "no answer" although that is never predicted; more answers than are made.
        """
        encoding = self.encoding
        encoding.settings = changed(encoding.settings, settings)
        if isinstance(settings, PredictionSettings):  # queries do not say what may be predicted, nor those beside them
            encoding.settings = replace(encoding.settings, with_negative=bool(encoding.settings.with_negative))
        self._configure_entities([name for name in MENTION_SETTINGS if getattr(settings, name, None) is not None])
        check_threshold(settings, encoding.settings.with_negative is not False)
        given = getattr(settings, "max_length", None) is not None  # the tokenizer has the limit of the training
        limit = None if given else encoding.tokenizer.max_length
        encoding.max_length = window_length(self.model, encoding.settings.max_length, limit)
        encoding.top, made = getattr(settings, "top", 1), encoding.settings.n_best_size
        if encoding.top > made:
            way_out = f"give n_best_size={encoding.top} too"
            raise ConfigurationError(f"setting 'top': found {encoding.top}, but n_best_size={made} answers are made; {way_out}")

    def _configure_entities(self, given: Sequence[str]) -> None:
        """Take the mention dictionary and its settings that a job gives."""
        if not given:
            return
        if not isinstance(self.model, LukeForQuestionAnswering):
            raise ConfigurationError(f"setting {given[0]!r}: only a LUKE reads entities; leave it out")
        if self.encoding.settings.mentions is None:
            raise ConfigurationError(f"setting {given[0]!r}: it needs a mention dictionary; give mentions=DIR too")
        self.encoding.find_entities = entity_finder(self.encoding.settings, self.encoding.tokenizer.entity_vocabulary)

    def tune(self, records: Sequence[QuestionRecord], examples: Sequence[Any], outputs: Outputs) -> None:
        """Choose the threshold of "no answer" with the highest F1, if it can be predicted and is gold in the dev data."""
        settings = self.encoding.settings
        known = [number for number, record in enumerate(records) if record.answers is not None]
        if not settings.with_negative or not has_negatives(records):
            return
        found = decisions(records, self.encoding.join(examples, outputs), settings)
        f1 = [score_answer(found[n].best, records[n].golds, settings.language, with_negative=True).f1 for n in known]
        nulls, has = [found[n].null_score for n in known], [records[n].label != NO_ANSWER for n in known]
        best = best_threshold(f1, nulls, has, [bool(found[n].best) for n in known], attainable=True)
        self.decide({"null_threshold": best.threshold})

    def decision(self) -> dict[str, float]:
        """The threshold of "no answer", if it was chosen on dev data."""
        threshold = self.encoding.settings.null_threshold
        return {} if threshold is None else {"null_threshold": threshold}

    def decide(self, decision: Mapping[str, float]) -> None:
        """Set the threshold of "no answer", also in the configuration that the checkpoint stores."""
        threshold = decision.get("null_threshold")
        self.encoding.settings = replace(self.encoding.settings, null_threshold=threshold)
        getattr(self.model.config, SETTINGS)["null_threshold"] = threshold


def build(source: str, labels: Sequence[str], config: QaConfig, find_entities: FindEntities | None = None) -> QaModel:
    """A model on the encoder at `source`. A head that the source has for this task is kept.

    Args:
        source: folder or hub name; a LUKE in any format.
        labels: kinds of questions in the training data.
        config: the settings.
        find_entities: finds the entities that a LUKE reads. Default: those of `config.mentions`.

    Raises:
        CheckpointError: there is no readable encoder.
        ConfigurationError: a setting that the encoder does not read.
        DataError: `config.mentions` is no mention dictionary.
    """
    check_for_encoder(config, source)
    given = {each.name: getattr(config, each.name) for each in fields(QaSettings) if hasattr(config, each.name)}
    settings = QaSettings(**given)
    if settings.mentions is not None:
        MentionDictionary.load(settings.mentions)
        settings = replace(settings, mentions=str(Path(settings.mentions).resolve()))
    kept = {"task": NAME, **asdict(settings)}
    if is_luke(source):
        has_head = has_architecture(("LukeForQuestionAnswering",), Path(source))
        entities = settings.mentions is not None or find_entities is not None
        model, tokenizer = start_luke_head(
            source, LukeForQuestionAnswering, ENDS, config,
            keep_head=has_head, keep_entities=entities, **kept,
        )  # fmt: skip
        if entities:  # the original code does not train the embeddings of entities
            model.get_submodule("luke.entity_embeddings.entity_embeddings").requires_grad_(False)
        return replace(_model(model, tokenizer, None, settings, find_entities), keeps_head=has_head)
    model_config = config_of(source)
    describe(model_config, ENDS, kept)
    set_hidden_dropout(model_config, config.dropout)
    model, missing, resized = read_with_head(AutoModelForQuestionAnswering, source, model_config, KIND)
    new = [name for name in [*missing, *resized] if not name.startswith(f"{model.base_model_prefix}.")]
    lacking = [name for name in [*missing, *resized] if name not in new]
    if lacking:
        raise lacking_weights(source, lacking)
    if new and isinstance(getattr(model, HEAD, None), nn.Linear):
        new_classifier(model, len(ENDS), config.seed, name=HEAD)
    return replace(_model(model, *words_alone(source, model, config.max_length), settings), keeps_head=not new)


def load(
    path: Path,
    base: str | None = None,
    labels: Sequence[str] | None = None,
) -> QaModel:
    """A fine-tuned checkpoint: ours, of transformers (`...ForQuestionAnswering`), or a released one of LUKE (with `base`).

    Raises:
        CheckpointError: there is no such model.
    """
    kept = settings_of(path)
    settings = QaSettings(**{each.name: kept[each.name] for each in fields(QaSettings) if each.name in kept})
    if not is_luke(str(path)):
        model = load_with_head(AutoModelForQuestionAnswering, path, config_of(str(path)), KIND)
        return _model(model, *words_alone(str(path), model, settings.max_length), settings)
    from loreweave.checkpoints.formats import luke_finetuned

    loaded = read_luke(str(path), LukeForQuestionAnswering, base)
    assert loaded.tokenizer is not None, "checked by read_luke"
    if HEAD in loaded.report.new_modules:
        raise CheckpointError(f"{path}: found a LUKE without a head for {KIND}, expected a fine-tuned one")
    if loaded.format == luke_finetuned.NAME:
        loaded.tokenizer.piece_rule = "legacy"  # of the code that trained it
    return _model(loaded.model, loaded.tokenizer, None, settings)


def _model(
    model: PreTrainedModel,
    tokenizer: EntityTokenizer,
    words: Any,
    settings: QaSettings,
    find_entities: FindEntities | None = None,
) -> QaModel:
    limit = window_length(model, settings.max_length, tokenizer.max_length)
    segments = reads_segments(model.base_model)
    find_entities = find_entities or entity_finder(settings, tokenizer.entity_vocabulary)
    encoding = QaEncoding(tokenizer, settings, limit, segments, words, find_entities)
    if not hasattr(model.config, SETTINGS):
        setattr(model.config, SETTINGS, {"task": NAME, **asdict(settings)})

    def scorer(records: Sequence[QuestionRecord], outputs: Outputs, labels: Sequence[str], changes: Any = None) -> Evaluation:
        return score(records, outputs, labels, changes, checkpoint=encoding.settings)

    def answerer(records: Sequence[QuestionRecord], outputs: Outputs, labels: Sequence[str]) -> list[dict[str, Any]]:
        return answer(records, outputs, encoding.settings, encoding.top)

    return QaModel(model, encoding, span_cross_entropy, scorer=scorer, answerer=answerer)
