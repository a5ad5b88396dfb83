"""`loreweave evaluate link-prediction`: a checkpoint, a graph and a protocol -> ranks -> metrics."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from loreweave.corpus.counts import counted
from loreweave.encoding.entity_texts import counts_of
from loreweave.errors import ConfigurationError, DataError
from loreweave.metrics.known_answers import SIDES, KnownAnswers, Questions, Side, share_of
from loreweave.metrics.ranking import rank, rank_against
from loreweave.metrics.ranks import Ranks, merge
from loreweave.metrics.sampled_negatives import sample_negatives
from loreweave.tasks.contract import Execution
from loreweave.tasks.link_prediction.encoding import EntityVectors, GraphEncoder, open_checkpoint, open_encoder
from loreweave.tasks.link_prediction.model import Checkpoint
from loreweave.tasks.link_prediction.neighbours import is_given
from loreweave.tasks.link_prediction.reader import HEAD, PROTOCOLS, TAIL, LinkPredictionData, read, without_unseen
from loreweave.tasks.link_prediction.scoring import RankedSides, score
from loreweave.tasks.link_prediction.settings import EvaluationSettings, Unseen
from loreweave.tasks.processes import Processes
from loreweave.training.evaluation import Evaluation


def evaluate(model: Path, data: Path, settings: EvaluationSettings, execution: Execution) -> tuple[Evaluation, dict[str, Any]]:
    """See `contract.Task`.

    Raises:
        LoreweaveError: the graph or the checkpoint cannot be read or do not match, or there is nothing to score.
    """
    started = time.monotonic()
    graph, checkpoint, processes = open_checkpoint(model, data, settings, execution)
    asked = read(graph, settings.protocol, settings.split)
    if checkpoint.neighbours and is_given(asked.split):
        raise ConfigurationError(
            f"setting 'split': the model reads the triples of {asked.split} as neighbours, so they are no questions for it; "
            "expected a split such as valid or test"
        )
    policy = unseen_policy(settings.unseen, checkpoint)
    kept = without_unseen(asked, policy)
    facts = _facts(asked, checkpoint, policy, kept)
    for line in _lines(facts):
        execution.report(line)
    encoder = open_encoder(checkpoint, graph, settings, execution, processes)
    facts["text"] = coverage(encoder, asked)
    if facts["text"] is not None and (bare := facts["text"]["candidates"]["nothing"]):
        execution.report(f"{bare:,} of {counted(len(asked.candidates), 'candidate')} without text")
    vectors = encoder.entities(asked.candidates)
    encoded = time.monotonic()
    ranker = Ranker(encoder, vectors, asked, settings, processes, asked.is_unseen if policy == "worst" else None)
    ranked = ranker.rank_sides(np.flatnonzero(kept))
    facts["embeddings"] = {"encoded": encoder.cache.encoded, "from_cache": encoder.cache.reused}
    facts["seconds"] = {"encoding": round(encoded - started, 3), "ranking": round(time.monotonic() - encoded, 3)}
    return score(asked, ranked, bootstrap=settings.bootstrap, seed=settings.seed), facts


def unseen_policy(asked: Unseen | None, checkpoint: Checkpoint) -> Unseen:
    """Treatment of triples with an entity that is not in `train`.

    Raises:
        ConfigurationError: `encode`, if entities are in a table.
    """
    if checkpoint.tabled and asked == "encode":
        raise ConfigurationError("unseen=encode: this checkpoint has a table of entities and no texts; use worst or skip")
    return asked or ("worst" if checkpoint.tabled else "encode")


class Ranker:
    """Ranks the answers of triples on either side.

    Args:
        vectors: vectors of all candidates.
        worst: the triples whose answers get the worst rank, if any.  # bool [triples]
    """

    def __init__(
        self,
        encoder: GraphEncoder,
        vectors: EntityVectors,
        asked: LinkPredictionData,
        settings: EvaluationSettings,
        processes: Processes,
        worst: np.ndarray | None = None,
    ) -> None:
        self.encoder, self.vectors, self.asked = encoder, vectors, asked
        self.settings, self.processes, self.worst = settings, processes, worst
        whole = len(asked.candidates) == asked.graph.num_entities
        self._subset = None if whole else asked.candidates

    def rank_sides(self, rows: np.ndarray) -> RankedSides:
        """Ranks of the chosen triples [some] on the predicted sides, the same in every process."""
        sides: tuple[Side, ...] = SIDES if self.settings.side == "both" else (self.settings.side,)
        among_all, sampled = {}, {}
        for side in sides:
            among_all[side], sampled[side] = self._rank(side, rows)
        repetitions = [{side: sampled[side][number] for side in sides} for number in range(len(sampled[sides[0]]))]
        return RankedSides(rows, among_all, repetitions)

    def _rank(self, side: Side, rows: np.ndarray) -> tuple[Ranks, list[Ranks]]:
        """Ranks among all candidates, and for a sampled protocol also among the few of each draw."""
        settings, subset = self.settings, self._subset
        questions = Questions.from_triples(side, self.asked.triples[rows])
        known = KnownAnswers(side, *self.asked.known_triples).of(questions.entities, questions.relations)
        queries = self.encoder.queries(side, questions.entities, questions.relations, self.vectors)
        similarity, device = self.encoder.checkpoint.similarity, self.encoder.device
        mine = share_of(questions.of, *self.processes.share)
        gold, of = questions.gold[mine], questions.of[mine]
        ranks = rank(
            queries, gold, self.vectors, similarity, questions=of, known=known, subset=subset, device=device,
            block_size=settings.block_size, advance=self.encoder.advance,
        )  # fmt: skip
        found = [ranks]
        for number in range(settings.repetitions if PROTOCOLS[settings.protocol].sampled else 0):
            negatives = sample_negatives(
                questions.gold, len(self.vectors), settings.negatives, settings.seed + number,
                questions=questions.of, known=known, subset=subset,
            )  # fmt: skip
            found.append(rank_against(queries, gold, self.vectors, similarity, negatives[mine], questions=of, device=device))
        parts = self.processes.gather((mine, found))
        merged = [merge([(share, ranks[number]) for share, ranks in parts]) for number in range(len(found))]
        merged = [self._with_worst(ranks, rows) for ranks in merged]
        return merged[0], merged[1:]

    def _with_worst(self, ranks: Ranks, rows: np.ndarray) -> Ranks:
        """Last rank, for answers that cannot be scored."""
        if self.worst is None:
            return ranks
        worst = self.worst[rows]
        return Ranks(np.where(worst, ranks.candidates - 1, ranks.greater), np.where(worst, 0, ranks.ties), ranks.candidates)


def coverage(encoder: GraphEncoder, asked: LinkPredictionData) -> dict[str, Any] | None:
    """Number of candidates, entities of the triples, and relations with each kind of text; None for a table of entities.

    Raises:
        DataError: no candidate has a text.
    """
    texts = encoder.texts
    if texts is None:
        return None
    sources, ends = np.asarray(texts.sources), np.unique(asked.triples[:, [HEAD, TAIL]])
    if not sources[asked.candidates].any():
        raise DataError(f"none of the {len(asked.candidates)} candidates has a label, description or alias")
    return {
        "candidates": counts_of(sources[asked.candidates]),
        "asked": counts_of(sources[ends]),
        "relations": texts.coverage["relations"],
    }


def _facts(asked: LinkPredictionData, checkpoint: Checkpoint, policy: Unseen, kept: np.ndarray) -> dict[str, Any]:
    graph = asked.graph
    return {
        "name": asked.split,
        "records": int(kept.sum()),
        "skipped": {} if kept.all() else {"triples with an entity that is not in train": int((~kept).sum())},
        "checkpoint": checkpoint.describe(),
        "graph": graph.identity(),
        "protocol": asked.protocol,
        "published_ranks": PROTOCOLS[asked.protocol].ranks,
        "split": asked.split,
        "candidates": len(asked.candidates),
        "filtered_splits": list(asked.known),
        "unseen": {
            "policy": policy,
            "triples_with_unseen_entities": int(asked.is_unseen.sum()),
            "triples_with_unseen_relations": int(asked.has_unseen_relation.sum()),
            "skipped": int((~kept).sum()),
            "worst_rank": int(asked.is_unseen.sum()) if policy == "worst" else 0,
        },
    }


def _lines(facts: dict[str, Any]) -> list[str]:
    """Information for the user before the computation."""
    head, unseen, protocol = facts["checkpoint"], facts["unseen"], PROTOCOLS[facts["protocol"]]
    scorer = head.get("scorer", "cosine")
    lines = [
        f"{facts['protocol']}: {protocol.summary}" + (f"; its authors report {protocol.ranks} ranks" if protocol.ranks else ""),
        f"{counted(facts['records'], 'triple')} of {facts['split']}, {counted(facts['candidates'], 'candidate')}, "
        f"{head['variant']} {scorer} over entities from {head['entities']}",
    ]
    if unseen["triples_with_unseen_entities"]:
        lines.append(
            f"{counted(unseen['triples_with_unseen_entities'], 'triple')} with an entity that train lacks "
            f"(unseen={unseen['policy']}: {unseen['skipped']} skipped, {unseen['worst_rank']} given the worst rank)"
        )
    if count := unseen["triples_with_unseen_relations"]:
        lines.append(f"{counted(count, 'triple')} with a relation that is not in train, scored like the others")
    if not head["trained_on_this_graph"] and head["head"] != "untrained":
        lines.append(f"the checkpoint was trained on another graph; {_how_matched(head)}")
    return lines


def _how_matched(head: dict[str, Any]) -> str:
    """How a checkpoint of another graph finds its vectors of this graph's entities and relations."""
    tables = {"entities": head["entities"] == "table", "relations": head["variant"] in ("wiki", "cond") or "neighbours" in head}
    by_ids, by_texts = ([name for name in tables if tables[name] is tabled] for tabled in (True, False))
    parts = [f"{' and '.join(by_ids)} are matched by their ids"] if by_ids else []
    parts += [f"{' and '.join(by_texts)} are read from their texts"] if by_texts else []
    return ", ".join(parts)
