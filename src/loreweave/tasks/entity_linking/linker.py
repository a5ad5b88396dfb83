"""A linker: a model with its encoding, and how its outputs become entities, which is chosen on dev data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from loreweave.corpus.counts import counted
from loreweave.tasks.entity_linking.decision import PRIOR, ROW, SIMILARITY, Decision, best_nil, fit_weights, rank
from loreweave.tasks.entity_linking.encoding import DescriptionEncoding
from loreweave.tasks.entity_linking.global_network import LukeLinker
from loreweave.tasks.entity_linking.record import LinkingRecord
from loreweave.tasks.entity_linking.scoring import score_outputs
from loreweave.tasks.model_folders import SETTINGS
from loreweave.training.evaluation import Evaluation, Outputs
from loreweave.training.losses import cross_entropy
from loreweave.training.task_model import TaskModel

_FEW = 30
"""Number of mentions without an entity below which a threshold fitted to them is not reliable."""


@dataclass(frozen=True)
class LinkingModel(TaskModel):
    """A linker whose weights of similarity and prior, and whose NIL, are chosen on dev data.

    Attributes:
        start: weights that are used without dev data, and to which dev data pull little.
        for_unknown: linker over descriptions that links the mentions without a candidate; None: they are not linked.
    """

    encoding: DescriptionEncoding
    start: Decision = Decision()
    for_unknown: LinkingModel | None = None

    @property
    def labels(self) -> list[str]:
        """No classes: the entities are those of the table."""
        return ["linked"]

    def begin_epoch(self, examples: Sequence[Any], epoch: int, resumed: bool) -> None:
        """See `TaskModel`."""
        self.encoding.begin_epoch(examples, epoch, resumed)

    def tune(self, records: Sequence[LinkingRecord], examples: Sequence[Any], outputs: Outputs) -> None:
        """Fit the weights, then choose NIL."""
        encoding = self.encoding
        joined = encoding.join(examples, outputs)
        table = encoding.finder.table
        groups, golds = [], []
        for record, output in zip(records, joined, strict=False):
            rows = [table.row_of(entity) if (entity := record.mentions[i].entity) is not None else None for i in record.asked()]
            golds.append(rows)
            for number, row in enumerate(rows):
                pairs = output[output[:, 0] == number]
                place = np.flatnonzero(pairs[:, ROW] == (-1 if row is None else row))
                if len(place):
                    one = Decision(similarity_weight=0, prior_weight=1).scores(pairs[:, SIMILARITY], pairs[:, PRIOR])
                    groups.append((np.column_stack([pairs[:, SIMILARITY], one]), int(place[0])))
        decision = fit_weights(groups, self.start)
        nil, encoding.nil_mentions = None, 0
        if getattr(self.model.config, SETTINGS)["tune_nil"]:
            best, right, none = [], [], []
            for output, rows in zip(joined, golds, strict=False):
                for found, row in zip(rank(output, len(rows), decision), rows, strict=True):
                    if len(found.rows):
                        best.append(float(found.scores[0]))
                        right.append(row is not None and int(found.rows[0]) == row)
                        none.append(row is None)
            nil, encoding.nil_mentions = best_nil(best, right, none), sum(none)
        weights = decision.to_dict()
        self.decide(weights if nil is None else weights | {"nil": nil})

    def save_pretrained(self, folder: Path) -> None:
        """Save a Hugging Face folder; of a LUKE the rows of its vocabulary alone."""
        self.model.save_pretrained(folder, state_dict=self.model.own_state() if isinstance(self.model, LukeLinker) else None)
        self.encoding.save_pretrained(folder)

    def decision(self) -> dict[str, float]:
        """Weights and NIL."""
        return self.encoding.decision.to_dict()

    def decide(self, decision: Mapping[str, float]) -> None:
        """Set weights and NIL, also in the configuration that the checkpoint stores."""
        self.encoding.decision = Decision.from_dict(decision)
        getattr(self.model.config, SETTINGS)["decision"] = self.encoding.decision.to_dict()


def linker_of(model: Any, encoding: DescriptionEncoding, start: Decision) -> LinkingModel:
    """A model with its encoding, which scores and answers by the decision that the encoding has."""

    def score(records: Sequence[LinkingRecord], outputs: Outputs, labels: Sequence[str], *_: Any) -> Evaluation:
        evaluation = score_outputs(records, outputs, encoding.finder.table, encoding.decision)
        if encoding.decision.nil is not None and 0 < encoding.nil_mentions < _FEW:
            have = counted(encoding.nil_mentions, "mention")
            evaluation.notes.append(
                f"nil is fitted to {have} without an entity: it may fit other data badly (tune_nil=false links all mentions)"
            )
        return evaluation

    def answer(records: Sequence[LinkingRecord], outputs: Outputs, labels: Sequence[str]) -> list[dict[str, Any]]:
        evaluation = score_outputs(records, outputs, encoding.finder.table, encoding.decision)
        return [{"id": row["id"], "predicted": row["predicted"]} for row in evaluation.predictions]

    return LinkingModel(model, encoding, cross_entropy, scorer=score, answerer=answer, start=start)
