"""Rows of a LUKE's entity table for entities outside its vocabulary, from their descriptions.

LUKE reads "name: description" with the name as a masked entity. What its entity head predicts there is mapped to a row by a
linear map, which is fitted in closed form to the entities of the vocabulary that have descriptions.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.corpus.files.writing import atomic_path
from loreweave.corpus.knowledge.entity_names import is_qid
from loreweave.corpus.knowledge.entity_table import DescribedEntity, EntityTable
from loreweave.encoding import EntityTokenizer
from loreweave.tasks.entity_linking.global_network import LukeLinker

FILE = "linking_description_map.safetensors"
_MOST, _AT_ONCE = 1000, 16
"""Maximum number of entities of the vocabulary that the map is fitted to, and number of texts that are read together."""
_RIDGE = 0.1
"""Strength of the pull to a multiple of the identity, relative to the mean variance of a direction."""


class DescriptionRows:
    """Ids of a table's entities in a LUKE, and the rows of those that its vocabulary does not have.

    Args:
        model: LUKE, whose table is extended.
        tokenizer: tokenizer of its words and entities.
        table: the entities.
        length: maximum number of sub-words of a description, including special tokens.
        fitted: the map of a checkpoint [size + 1, size]; None: it is fitted when it is needed first.
        language: language of the entities' titles and labels, for a vocabulary of several languages.

    Raises:
        ConfigurationError: see `ids_of`.

    Attributes:
        ids: id of each entity in the model  # int [entities]
    """

    def __init__(
        self,
        model: LukeLinker,
        tokenizer: EntityTokenizer,
        table: EntityTable,
        length: int,
        fitted: Tensor | None = None,
        language: str | None = None,
    ) -> None:
        self.model, self.tokenizer, self.table, self.length, self.map = model, tokenizer, table, length, fitted
        self.ids = ids_of(table, tokenizer.entity_vocabulary, language)
        self.outside = np.flatnonzero(self.ids < 0)
        self.ids[self.outside] = model.own_rows + np.arange(len(self.outside))
        self._missing = np.zeros(len(table), bool)
        self._missing[self.outside] = True
        model.extend(len(self.outside))

    def names(self) -> dict[int, str]:
        """Name of each entity outside the vocabulary, by its id in the model."""
        return {int(self.ids[row]): self.table[int(row)].name for row in self.outside}

    def need(self, rows: np.ndarray) -> None:
        """Set the rows of these entities, if they are outside the vocabulary and not set yet."""
        if self.model.has_changed and not self.model.training:
            self.forget()
            self.model.has_changed = False
        wanted = np.unique(rows[self._missing[rows]])
        if not len(wanted):
            return
        if self.map is None:
            self.map = self._fitted()
        with torch.no_grad():
            made = with_one(self._read(wanted)) @ self.map
            table = self.model.get_entity_embeddings().weight
            table[torch.from_numpy(self.ids[wanted])] = made.to(table.dtype).to(table.device)
        self._missing[wanted] = False

    def renew(self, rows: np.ndarray) -> None:
        """Set the rows of these entities from the present weights, in an order that depends on the entities alone."""
        if self.model.has_changed:
            self.map = None
            self.model.has_changed = False
        self._missing[self.outside] = True
        self.need(rows)

    def keep(self, rows: np.ndarray) -> None:
        """Take what the model has as the rows of these entities, as after loading a checkpoint of a training.

        Rows that the checkpoint lacks, because an older version wrote it, are zero; they are set from the present weights.
        """
        stored = self.model.get_entity_embeddings().weight[torch.from_numpy(self.ids[rows])]
        self._missing[rows[(stored != 0).any(dim=1).cpu().numpy()]] = False
        self.need(rows)

    def forget(self) -> None:
        """Forget the rows and the map, because the weights have changed."""
        self._missing[self.outside] = True
        self.map = None

    def save(self, folder: Path) -> None:
        """Store the map that suits the present weights, if there is one: training changes them after the map was fitted."""
        fitted = self._fitted() if self.model.has_changed and len(self.outside) else self.map
        if fitted is None:
            (folder / FILE).unlink(missing_ok=True)  # that of other weights
            return
        with atomic_path(folder / FILE) as temporary:
            save_file({"map": fitted.contiguous()}, temporary)

    @torch.no_grad()
    def _fitted(self) -> Tensor:
        """The map of predictions to rows: ridge regression around the best multiple of the identity."""
        inside = np.setdiff1d(np.flatnonzero([bool(entity.description) for entity in self.table]), self.outside)
        chosen = np.random.default_rng(0).permutation(inside)[:_MOST]
        table = self.model.get_entity_embeddings().weight
        size = table.shape[1]
        start = torch.cat([torch.eye(size, dtype=torch.float64), torch.zeros(1, size, dtype=torch.float64)])
        if not len(chosen):
            return start.float()
        predicted = with_one(self._read(chosen)).double()
        rows = table[torch.from_numpy(self.ids[chosen])].double().cpu()
        plain = predicted[:, :-1]
        start *= (plain * rows).sum() / (plain * plain).sum().clamp_min(1e-12)
        products = predicted.T @ predicted
        ridge = _RIDGE * float(products.diagonal().mean()) * torch.eye(size + 1, dtype=torch.float64)
        return (start + torch.linalg.solve(products + ridge, predicted.T @ (rows - predicted @ start))).float()

    def _read(self, rows: np.ndarray) -> Tensor:
        """What the entity head predicts for entities from their descriptions [entities, size], on the CPU."""
        was, found = self.model.training, []
        self.model.eval()
        device = next(self.model.parameters()).device
        for begin in range(0, len(rows), _AT_ONCE):
            entities = [self.table[int(row)] for row in rows[begin : begin + _AT_ONCE]]
            spans = [[(0, len(entity.name))] for entity in entities]
            encoded = self.tokenizer.encode_batch([entity.text for entity in entities], spans, max_length=self.length)
            for text in encoded:
                if not text.entity_ids:  # a name longer than the limit: its first sub-words
                    text.entity_ids, text.entity_token_type_ids = [self.tokenizer.entity_vocabulary.mask_id], [0]
                    text.entity_position_ids = [list(range(1, len(text) - 1))[: self.tokenizer.max_mention_length] or [0]]
            names = ("input_ids", "attention_mask", "entity_ids", "entity_attention_mask", "entity_position_ids")
            padded = self.tokenizer.pad(encoded)
            found.append(self.model.described({name: padded[name].to(device) for name in names}).float().cpu())
        self.model.train(was)
        return torch.cat(found)


def ids_of(table: Iterable[DescribedEntity], vocabulary: EntityVocabulary, language: str | None = None) -> np.ndarray:
    """Id of each entity in a vocabulary, -1 for those that it does not have [entities].

    Args:
        table: the entities.
        vocabulary: entity vocabulary.
        language: language of the titles and labels; without it, those of a vocabulary with languages are keys (`en:Oslo`).

    Raises:
        ConfigurationError: the vocabulary has languages, and not this one, or none is given and none of the titles is a key.
    """
    entities = list(table)
    vocabulary.check_language(language, keys=(name for entity in entities for name in _names(entity)))
    found = (id_of(entity, vocabulary, language) for entity in entities)
    return np.array([-1 if id is None else id for id in found], np.int64)


def id_of(entity: DescribedEntity, vocabulary: EntityVocabulary, language: str | None = None) -> int | None:
    """Id of an entity in a vocabulary, by its title or id, or by its label if it has a QID alone."""
    return next((id for name in _names(entity) if (id := vocabulary.find(name, language)) is not None), None)


def _names(entity: DescribedEntity) -> Iterable[str]:
    label = "" if entity.title or not is_qid(entity.id) else entity.label
    return filter(None, (entity.title, entity.id, entity.wikidata, label))


def with_one(vectors: Tensor) -> Tensor:
    """Vectors [n, size] with a column of ones [n, size + 1]."""
    return torch.cat([vectors, vectors.new_ones(len(vectors), 1)], dim=1)


def read_map(folder: Path) -> Tensor | None:
    """The map that a checkpoint has, if it has one."""
    return load_file(folder / FILE)["map"] if (folder / FILE).is_file() else None
