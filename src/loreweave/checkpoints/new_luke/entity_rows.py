"""First rows of a LUKE's entity table, and a head that finds them, from what the encoder reads: nothing is trained.

A row is the mean state of the entity's hidden mentions (PELT: Ye et al. 2022), or the state of its hidden title before its
first sentence, less the mean of all states. The head is fitted in closed form: it scores x^T S^-1 row, where S is the
covariance of states around their entity's mean (linear discriminant analysis), so that directions in which mentions of one
entity differ count less.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from datasets import Dataset
from torch import Tensor

from loreweave.checkpoints.new_luke.entity_states import EntityStates, read_states, readings_of_sets, readings_of_texts
from loreweave.corpus.counts import counted
from loreweave.encoding import EntityTokenizer
from loreweave.errors import ConfigurationError
from loreweave.models import LukeForMaskedLM

SHRINKAGE = 0.03
"""Share of the mean variance that is added to the variance of every direction."""
_CENTRE, _SPREAD = 3.0, 0.5
"""Mean and standard deviation of what enters the activation of the head, which is nearly linear there (GELU, ReLU)."""


@dataclass(frozen=True)
class EntitySources:
    """What is read about entities.

    Attributes:
        sets: data sets with occurrences, with the columns of `loreweave.build.pretraining_set`; none: texts alone are read.
        sentences: first sentence about an entity, by its row.
        occurrences: number of occurrences of each entity that are read.
        max_words: maximum number of sub-words of a window, including special tokens.
        device: where the encoder runs.
    """

    sets: Sequence[Dataset] = ()
    sentences: Mapping[int, str] = field(default_factory=dict)
    occurrences: int = 4
    max_words: int = 512
    seed: int = 0
    device: torch.device = torch.device("cpu")


@torch.no_grad()
def start_rows_from_reading(model: LukeForMaskedLM, tokenizer: EntityTokenizer, sources: EntitySources) -> str:
    """Set the rows of all entities, those of `[MASK]` and `[MASK2]`, and the entity head.

    Rows are read from occurrences; those without any, or all if there are no sets, from their title and sentence; those without
    a sentence from the title alone.

    Returns:
        A line for the user with the number of rows from each source.

    Raises:
        ConfigurationError: the table is wider than the states, the tokenizer has no mask token, or no mention can be read.
    """
    vocabulary, words = tokenizer.entity_vocabulary, tokenizer.word_tokenizer
    table = model.luke.entity_embeddings.entity_embeddings.weight
    if table.shape[1] > model.config.hidden_size:
        raise ConfigurationError(
            f"entity_embedding_size: found {table.shape[1]}, expected at most the hidden size {model.config.hidden_size}"
        )
    if words.mask_token_id is None:
        raise ConfigurationError("entities_start: found a tokenizer without a mask token, expected one; use titles or random")
    mask_vector = model.luke.embeddings.word_embeddings.weight[words.mask_token_id].clone()
    _set_masks(model, vocabulary.mask_id, vocabulary.mask2_id, mask_vector)
    model.to(sources.device)
    pad_ids = (int(words.pad_token_id), vocabulary.pad_id)
    entities = sorted({row for _, _, row in vocabulary.items()} - vocabulary.special_ids)
    seen: EntityStates | None = None
    if sources.sets:
        most = min(sources.max_words, model.config.max_position_embeddings - model.config.pad_token_id - 1)
        windows = readings_of_sets(sources.sets, tokenizer, sources.occurrences, most, sources.seed)
        seen = read_states(model.luke, windows, len(table), pad_ids)
    without = [row for row in entities if seen is None or not seen.counts[row]]
    texts = readings_of_texts(tokenizer, vocabulary, without, sources.sentences)
    read = read_states(model.luke, texts, len(table), pad_ids)
    model.to("cpu")
    main = read if seen is None else seen
    if not main.counts.any():
        raise ConfigurationError("entities_start: found no mention to read, expected sets with links, or titles with words")
    projection = _fit_head(model, main, mask_vector)
    for states in (read, main):
        _set_rows(model, states, main.mean, projection)
    return _summary(entities, seen, read, sources)


def _set_masks(model: LukeForMaskedLM, mask_id: int, mask2_id: int | None, vector: Tensor) -> None:
    """Let `[MASK]` and `[MASK2]` be the mask token's vector: row and column 0 hold it in a table that is narrower."""
    embeddings = model.luke.entity_embeddings
    row = vector
    if hasattr(embeddings, "entity_embedding_dense"):
        row = torch.zeros_like(embeddings.entity_embeddings.weight[0])
        row[0] = vector.norm()
        embeddings.entity_embedding_dense.weight[:, 0] = vector / vector.norm()
    for id in (mask_id, mask2_id):
        if id is not None:
            embeddings.entity_embeddings.weight[id] = row


def _fit_head(model: LukeForMaskedLM, states: EntityStates, mask_vector: Tensor) -> Tensor:
    """Set the head and what widens rows; the orthonormal directions of the table. [size, hidden] float64"""
    embeddings, head = model.luke.entity_embeddings, model.entity_predictions
    size = head.transform.dense.out_features
    mean = states.mean
    total = states.products / states.counts.sum() - torch.outer(mean, mean)
    inverse = torch.linalg.inv(covariance(states))
    directions = torch.eye(len(mean), dtype=torch.float64)
    if hasattr(embeddings, "entity_embedding_dense"):
        directions = _directions(states.means() - mean, mask_vector.double(), size)
        embeddings.entity_embedding_dense.weight.copy_(directions.T)
    dense = directions @ inverse  # [size, hidden]
    variance = torch.einsum("ij,jk,ik->", dense, total, dense) / size
    dense *= _SPREAD / variance.clamp_min(1e-12).sqrt()
    head.transform.dense.weight.copy_(dense)
    head.transform.dense.bias.copy_(_CENTRE - dense @ mean)
    return directions


def covariance(states: EntityStates) -> Tensor:
    """Covariance of states around the mean of their entity (around the common mean, if few entities have several states), with
    a share of the mean variance added to each direction. [hidden, hidden]"""
    hidden, total = len(states.mean), float(states.counts.sum())
    means, counts = states.means(), states.counts[states.known]
    freedom = total - len(counts)
    if freedom >= hidden:
        found = (states.products - (means * counts[:, None]).T @ means) / freedom
    else:
        found = states.products / total - torch.outer(states.mean, states.mean)
    added = SHRINKAGE * found.diagonal().mean().clamp_min(1e-12)
    return found + added * torch.eye(hidden, dtype=torch.float64)


def _directions(centred: Tensor, mask_vector: Tensor, size: int) -> Tensor:
    """The mask token's direction and the principal ones of `centred` [rows, hidden] beside it, orthonormal. [size, hidden]"""
    first = (mask_vector / mask_vector.norm())[None]
    rest = centred - (centred @ first.T) @ first
    _, vectors = torch.linalg.eigh(rest.T @ rest + 1e-9 * torch.eye(rest.shape[1]) - 1.0 * first.T @ first)
    return torch.cat([first, vectors.T.flip(0)[: size - 1]])


def _set_rows(model: LukeForMaskedLM, states: EntityStates, mean: Tensor, directions: Tensor) -> None:
    """Rows of the known entities: their mean state less `mean`, at one length in the metric of the head.

    On average, they are as long as word vectors, which they stand beside as inputs.
    """
    table, dense = model.luke.entity_embeddings.entity_embeddings.weight, model.entity_predictions.transform.dense.weight
    if not len(states.known):
        return
    centred = states.means() - mean  # [known, hidden]
    rows = centred @ directions.T
    lengths = ((centred @ dense.double().T) * rows).sum(1, keepdim=True).clamp_min(1e-12).sqrt()
    rows /= lengths
    wanted = model.luke.embeddings.word_embeddings.weight.double().norm(dim=1).mean()
    table[states.known] = (rows * wanted / rows.norm(dim=1).mean()).to(table.dtype)


def _summary(entities: Sequence[int], seen: EntityStates | None, read: EntityStates, sources: EntitySources) -> str:
    """Number of rows from each source."""
    parts = []
    if seen is not None:
        counts = seen.counts[entities]  # without those of [UNK]
        rows = int((counts > 0).sum())
        parts.append(f"{rows:,} from {counted(int(counts.sum()), 'occurrence')} in {counted(seen.windows, 'window')}")
    texts = [row for row in read.known.tolist() if row in sources.sentences]
    titles = len(read.known) - len(texts)
    if texts:
        parts.append(f"{len(texts):,} from the first sentence about them")
    if titles:
        parts.append(f"{titles:,} from their titles alone")
    none = len(entities) - len(read.known) - (0 if seen is None else int((seen.counts[entities] > 0).sum()))
    if none:
        parts.append(f"{none:,} random (titles without words)")
    return f"rows of {counted(len(entities), 'entity', 'entities')}: {', '.join(parts)}"
