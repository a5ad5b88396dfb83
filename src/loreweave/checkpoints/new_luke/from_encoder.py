"""A LUKE from any BERT-like encoder: its words as they are, entities new.

BERT counts word positions from 0, RoBERTa and LUKE from `pad_token_id + 1` over the words that are not padding. A
BERT's position table gets `pad_token_id + 1` rows in front, so that LUKE's counting reaches the row that BERT would
have used.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from torch import Tensor
from transformers import LukeConfig, PreTrainedTokenizerFast

from loreweave.checkpoints.fitting import ENCODER_PARTS, PRETRAINING_HEADS, build, fit_state_dict
from loreweave.checkpoints.formats import original_rows as rows
from loreweave.checkpoints.formats.hugging_face import read_config
from loreweave.checkpoints.inference import ENCODER_SETTINGS, SHAPE_SETTINGS
from loreweave.checkpoints.loading import LoadReport
from loreweave.checkpoints.tensor_files import read_tensors
from loreweave.checkpoints.word_tokenizers import add_marker_rows, find_word_tokenizer
from loreweave.corpus.entity_vocabulary import SPECIAL_ENTITIES, EntityVocabulary
from loreweave.corpus.files.reading import Pathname
from loreweave.encoding import EntityTokenizer
from loreweave.encoding.families import EncoderFamily, family_of, luke_families
from loreweave.encoding.model_names import HUB_NAME
from loreweave.errors import CheckpointError, ConfigurationError
from loreweave.models import LukeForMaskedLM

EntitiesStart = Literal["random", "words", "titles"]

_OLD_LAYER_NORM = {"gamma": "weight", "beta": "bias"}
_ENTITY_PARTS = ("entity_embeddings.", "entity_predictions.")


class NewLuke(NamedTuple):
    """Result of `luke_from_encoder`.

    Attributes:
        new_modules: names of the modules that start at random and that a first stage should train.
    """

    model: LukeForMaskedLM
    tokenizer: EntityTokenizer
    new_modules: tuple[str, ...]
    report: LoadReport


def luke_from_encoder(
    encoder_dir: Pathname,
    vocabulary: EntityVocabulary,
    *,
    entity_embedding_size: int = 256,
    entity_aware_attention: bool = False,
    entities_start: EntitiesStart = "random",
    seed: int = 0,
) -> NewLuke:
    """Build a LUKE around a BERT, RoBERTa, XLM-R or MiniLM folder; nothing is downloaded.

    The words' hidden states equal the encoder's. The masked-word head is taken when the folder has one, and is new
    otherwise (`config.untrained_modules` names it). Marker rows start from "@" and "#", `[MASK2]` is added.

    Args:
        vocabulary: the entities; `[PAD]` should be row 0, which gets no gradient.
        entity_embedding_size: width of the entity table; the hidden size needs no extra projection.
        entity_aware_attention: whether to have the extra queries, as copies of `query`; pre-training has none.
        entities_start: `random` as LUKE did; for short training, `words` copies the words' position table, type table and
            layer norm to the entities, so that a mention begins where its words are, and `titles` besides starts an
            entity's row as the mean vector of its title's words, less the mean of all words (as wide as the hidden size).
        seed: starts the new parameters.

    Raises:
        CheckpointError: not such an encoder, or its tensors do not fit.
    """
    folder = Path(encoder_dir)
    said = read_config(folder)
    family = _family(said, folder)
    report = LoadReport("encoder", str(folder))
    tokenizer = find_word_tokenizer(folder, said, report)
    if tokenizer is None or tokenizer.pad_token_id is None:
        raise CheckpointError(f"{folder}: found no word tokenizer with a padding token")
    pad_id = int(tokenizer.pad_token_id)
    state = _encoder_tensors(folder, family, said, report)
    _count_from_padding(state, family, pad_id, said, report)
    add_marker_rows(state, tokenizer, report)
    vocabulary = vocabulary.with_mask2()
    config = _config(said, family, state, tokenizer, vocabulary, entity_embedding_size, folder)
    config.use_entity_aware_attention = entity_aware_attention
    model = build(LukeForMaskedLM, config, seed)
    _add_new_entity_modules(model, state, vocabulary)
    if entities_start != "random":
        _start_entities_from_words(state, pad_id + 1)
        report.notes.append("entity positions, types and layer norm start from those of the words")
    if entities_start == "titles":
        _start_entities_from_titles(state, vocabulary, tokenizer)
        report.notes.append("entity rows start from the words of their titles")
    fit_state_dict(model, state, folder, report)
    new_words = tuple(dict.fromkeys([*report.new_modules, *(["lm_head"] if said.get("untrained_modules") else [])]))
    config.untrained_modules = [name for name in new_words if name in PRETRAINING_HEADS]
    new = ("luke.entity_embeddings", "entity_predictions", *new_words)
    report.new_modules = new
    return NewLuke(model, EntityTokenizer(tokenizer, vocabulary), new, report)


def _family(said: Mapping[str, Any], folder: Path) -> EncoderFamily:
    """The encoder's row in the table of families, if a LUKE can be made from it."""
    family = family_of(said)
    if family is None or family.no_luke:
        reason = "no row of encoding/families.py says how" if family is None else family.no_luke
        raise CheckpointError(
            f"{folder}: found the model type {said.get('model_type')}, expected one of {', '.join(luke_families())}: "
            f"no LUKE can be made from it ({reason}); word_only=true goes on pre-training it on words alone"
        )
    position_type = said.get("position_embedding_type", "absolute")
    if position_type != "absolute":
        raise CheckpointError(f"{folder}: found {position_type} positions, expected absolute ones")
    return family


def _count_from_padding(
    state: rows.Tensors, family: EncoderFamily, pad_id: int, said: Mapping[str, Any], report: LoadReport
) -> None:
    """Shift a BERT's positions; check that a RoBERTa counts from the padding id of its tokenizer."""
    counts_from = int(said.get("pad_token_id", 1))
    if family.positions == "from_zero":
        rows.positions_from_padding(state, pad_id)
        report.notes.append(f"word positions were shifted by {pad_id + 1}, so that they count as LUKE's do")
    elif pad_id != counts_from:
        raise CheckpointError(
            f"{report.source}: the tokenizer pads with {pad_id}, the model counts positions from {counts_from}"
        )


def _encoder_tensors(folder: Path, family: EncoderFamily, said: Mapping[str, Any], report: LoadReport) -> rows.Tensors:
    """The encoder's tensors and its masked-word head, under LUKE's names without `luke.`."""
    state: rows.Tensors = {}
    for name, tensor in read_tensors(folder).items():
        stem, _, last = name.removeprefix(family.prefix).rpartition(".")
        state[f"{stem}.{_OLD_LAYER_NORM.get(last, last)}" if stem else last] = tensor
    if (width := state[rows.WORDS].shape[-1]) != said.get("hidden_size", width):
        widths = f"word vectors of {width} and states of {said['hidden_size']}"
        raise CheckpointError(f"{folder}: found {widths}, expected equal ones, as a LUKE has them")
    activation = said.get(family.head_activation, "gelu")
    if activation == "gelu":
        rows.rename(state, family.head_names)
    elif any(name in state for name in family.head_names):
        report.notes.append(f"the masked-word head uses {activation}, LUKE's gelu: it starts anew")
    decoder = state.get("lm_head.decoder.weight")
    if decoder is not None and not decoder.equal(state[rows.WORDS]):
        report.notes.append("the masked-word head's decoder is not the word table, LUKE's is: it starts anew")
        for name in [name for name in state if name.startswith("lm_head.")]:
            del state[name]
    for name in [name for name in state if not name.startswith((*ENCODER_PARTS, "lm_head."))]:
        report.dropped[name] = "a head of the encoder that LUKE has no place for"
        del state[name]
    return state


def _config(
    said: Mapping[str, Any],
    family: EncoderFamily,
    state: Mapping[str, Tensor],
    tokenizer: PreTrainedTokenizerFast,
    vocabulary: EntityVocabulary,
    entity_embedding_size: int,
    folder: Path,
) -> LukeConfig:
    kept = (*SHAPE_SETTINGS, *ENCODER_SETTINGS, "classifier_dropout")
    words, types = state[rows.WORDS], state["embeddings.token_type_embeddings.weight"]
    named = str(said.get("_name_or_path") or "")
    extra: dict[str, Any] = {
        "bert_model_name": named if HUB_NAME.fullmatch(named) else folder.name,  # else it is a path on some machine
        "base_model_type": "bert" if family.positions == "from_zero" else "roberta",
    }
    return LukeConfig(
        **{name: said[name] for name in kept if said.get(name) is not None},
        **extra,
        vocab_size=len(words),
        max_position_embeddings=len(state[rows.POSITIONS]),
        type_vocab_size=len(types),
        layer_norm_eps=said.get("layer_norm_eps", 1e-12),
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.cls_token_id if tokenizer.bos_token_id is None else tokenizer.bos_token_id,
        eos_token_id=tokenizer.sep_token_id if tokenizer.eos_token_id is None else tokenizer.eos_token_id,
        entity_vocab_size=len(vocabulary),
        entity_emb_size=entity_embedding_size,
    )


def _add_new_entity_modules(model: LukeForMaskedLM, state: rows.Tensors, vocabulary: EntityVocabulary) -> None:
    """The model's own starting values for everything about entities, so that only word parts can be found missing.

    `[MASK2]` starts equal to `[MASK]`.
    """
    for name, tensor in model.state_dict().items():
        bare = name.removeprefix("luke.")
        if bare.startswith(_ENTITY_PARTS):
            state[bare] = tensor.clone()
    assert vocabulary.mask2_id is not None
    rows.set_rows(state, rows.ENTITY_TABLES, [vocabulary.mask2_id], [vocabulary.mask_id])


def _start_entities_from_words(state: rows.Tensors, first_position: int) -> None:
    """Entities count positions from 0, words from `first_position`."""
    for name in ("token_type_embeddings.weight", "LayerNorm.weight", "LayerNorm.bias"):
        state[f"entity_embeddings.{name}"] = state[f"embeddings.{name}"].clone()
    positions = state[rows.POSITIONS][first_position:]
    state["entity_embeddings.position_embeddings.weight"][: len(positions)] = positions


def _start_entities_from_titles(state: rows.Tensors, vocabulary: EntityVocabulary, tokenizer: PreTrainedTokenizerFast) -> None:
    """A title without words keeps its random row; several titles of one id (languages) leave the last one's."""
    words, table = state[rows.WORDS].float(), state["entity_embeddings.entity_embeddings.weight"]
    if table.shape[1] != words.shape[1]:
        raise ConfigurationError(
            f"entities_start=titles: found entity_embedding_size {table.shape[1]}, expected the hidden size {words.shape[1]}"
        )
    named = [(title, id) for title, _, id in vocabulary.items() if title not in SPECIAL_ENTITIES]
    middle = words.mean(dim=0)
    texts = [title.replace("_", " ") for title, _ in named]
    for (_, id), ids in zip(named, tokenizer(texts, add_special_tokens=False)["input_ids"], strict=True):
        if ids:
            table[id] = words[ids].mean(dim=0) - middle
