"""Loading an `EntityTokenizer` from a folder of ours, of transformers 4 or 5, or of the original authors' releases."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from loreweave.corpus.entity_vocabulary import SPECIAL_ENTITIES, EntityVocabulary
from loreweave.corpus.entity_vocabulary_files import FILE_NAMES
from loreweave.corpus.files.reading import Pathname, read_json
from loreweave.corpus.files.strict_json import kind_of
from loreweave.encoding.families import BYTE_LEVEL_BPE, SENTENCEPIECE, SUBWORD_KINDS, WORDPIECE
from loreweave.encoding.model_names import resolve
from loreweave.encoding.words.known import check_words
from loreweave.encoding.words.sentencepiece import aligned_backend, nmt_nfkc, sentencepiece_backend
from loreweave.encoding.words.tokenizer import MARKER_TOKENS, stated_limit, with_prefix_space
from loreweave.errors import CheckpointError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

Json = dict[str, Any]
_logger = logging.getLogger(__name__)

SENTENCEPIECE_FILE = "sentencepiece.bpe.model"


@dataclass(frozen=True)
class LoadedTokenizer:
    """Content of an `EntityTokenizer`'s folder.

    Attributes:
        directory: the folder.
        words: the tokenizer of the words.
        entity_vocabulary: titles and ids.
        options: other arguments of `EntityTokenizer`.
        model_config: content of `config.json`; empty if there is none.
    """

    directory: Path
    words: PreTrainedTokenizerFast
    entity_vocabulary: EntityVocabulary
    options: Json
    model_config: Json

    @property
    def sentencepiece_file(self) -> Path | None:
        """The folder's SentencePiece model, if it has one."""
        file = self.directory / SENTENCEPIECE_FILE
        return file if file.is_file() else None

    def check_sizes(self, word_vocabulary_size: int) -> None:
        """Refuse more ids than the embedding tables of a LUKE have rows.

        Raises:
            CheckpointError: more ids than rows; it names the key of `config.json`.
        """
        if self.model_config.get("model_type") != "luke":
            return
        sizes = {"vocab_size": word_vocabulary_size, "entity_vocab_size": len(self.entity_vocabulary)}
        for key, size in sizes.items():
            rows = self.model_config.get(key, size)
            if size > rows:
                found = f"found {size} ids in the tokenizer, expected at most {key}={rows}"
                raise CheckpointError(f"{self.directory}: {found}")


def read_entity_tokenizer(path: Pathname, entities: EntityVocabulary | None = None) -> LoadedTokenizer:
    """Read words, entities and limits from a folder, or from a repository on the Hugging Face Hub.

    The entity vocabulary comes from `entity_vocab.tsv`, `.jsonl` or `.json`, or from inside `tokenizer_config.json`
    (transformers 5). The words come from `tokenizer.json`, otherwise from `sentencepiece.bpe.model`, `vocab.json` and
    `merges.txt`, or `vocab.txt`.

    Args:
        path: folder, or name of the repository.
        entities: entity vocabulary for a folder without one.

    Raises:
        CheckpointError: the folder or repository does not exist, a file is missing, or a token does not have the stated id.
    """
    directory = resolve(path, weights=False)
    config = _read_object(directory / "tokenizer_config.json")
    vocabulary = _load_entity_vocabulary(directory, config, entities)
    model_config = _read_object(directory / "config.json")
    words = load_word_tokenizer(directory)
    markers = _marker_names(config)
    options = {
        "max_mention_length": config.get("max_mention_length") or 30,
        # transformers writes its default of 32 into every file without truncating to it, so it says nothing about the model.
        "max_entity_length": config["max_entity_length"] if "piece_rule" in config else 128,
        "max_length": _max_length(words, model_config),
        "entity_token_1": markers[0],
        "entity_token_2": markers[1],
        "piece_rule": config.get("piece_rule") or "boundary",
    }
    return LoadedTokenizer(directory, words, vocabulary, options, model_config)


def load_word_tokenizer(directory: Path) -> PreTrainedTokenizerFast:
    """Words of such a folder as a fast tokenizer, with the marker tokens that its files name."""
    from transformers import PreTrainedTokenizerFast

    config = _read_object(directory / "tokenizer_config.json")
    backend = _load_backend(directory, config)
    if config.get("add_prefix_space"):
        backend = with_prefix_space(backend)
    kind = SUBWORD_KINDS.get(type(backend.model).__name__, BYTE_LEVEL_BPE)
    named = _named_tokens(backend, kind.names, {**_read_object(directory / "special_tokens_map.json"), **config})
    limit = config.get("model_max_length")
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, **named, **({} if limit is None else {"model_max_length": limit})
    )
    stated = _stated_tokens(directory, config)
    known = tokenizer.get_vocab()
    for token, _ in sorted(stated.items(), key=lambda item: (item[1] is None, item[1] or 0)):
        if token not in known:
            tokenizer.add_tokens([AddedToken(token, normalized=False, special=True)], special_tokens=True)
    check_words(tokenizer, directory)
    known = tokenizer.get_vocab()
    for token, token_id in stated.items():
        if token_id is not None and known[token] != token_id:
            raise CheckpointError(f"{directory}: found the id {known[token]} for {token!r}, expected {token_id}")
    return tokenizer


# ---- the backend -----------------------------------------------------------------------------------------------------


def _load_backend(directory: Path, config: Json) -> Tokenizer:
    tokenizer_json = directory / "tokenizer.json"
    sentencepiece = directory / SENTENCEPIECE_FILE
    if tokenizer_json.is_file():
        backend = _read_backend(tokenizer_json)
        is_raw = isinstance(backend.model, models.Unigram) and backend.id_to_token(0) == "<unk>"
        if not (is_raw and "entity_mask_token" in config):
            return backend
        if not sentencepiece.is_file():
            return _realign(tokenizer_json)
    if sentencepiece.is_file():
        return sentencepiece_backend(sentencepiece)
    vocab, merges, wordpiece = (directory / name for name in ("vocab.json", "merges.txt", "vocab.txt"))
    if vocab.is_file() and merges.is_file():
        return _byte_level_backend(vocab, merges)
    if wordpiece.is_file():
        return _wordpiece_backend(wordpiece, config)
    raise CheckpointError(
        f"{directory}: found no word tokenizer, expected tokenizer.json, {SENTENCEPIECE_FILE}, vocab.json with "
        "merges.txt, or vocab.txt"
    )


def _read_backend(path: Path) -> Tokenizer:
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the backend raises bare Exception for every kind of broken file
        raise CheckpointError(f"{path}: found no tokenizer ({error}), expected a tokenizer.json") from error


def _realign(path: Path) -> Tokenizer:
    """Backend of an mLUKE tokenizer saved by transformers 5, whose file has raw SentencePiece ids and no NFKC."""
    _logger.warning(
        "%s was saved by transformers 5, whose MLukeTokenizer shifts every id by one and drops the normalization: "
        "restoring the ids of mLUKE's embeddings, and NFKC",
        path,
    )
    specification = json.loads(path.read_text(encoding="utf-8"))
    pieces = [(str(piece), float(score)) for piece, score in specification["model"]["vocab"]]
    return aligned_backend(pieces, nmt_nfkc(), str(path))


def _byte_level_backend(vocab: Path, merges: Path) -> Tokenizer:
    try:
        model = models.BPE.from_file(str(vocab), str(merges))
    except Exception as error:  # the backend raises bare Exception for every kind of broken file
        raise CheckpointError(f"{vocab}, {merges.name}: found no byte-level BPE ({error})") from error
    backend = Tokenizer(model)
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    separator, start = (_known_token(backend, token, vocab) for token in ("</s>", "<s>"))
    backend.post_processor = processors.RobertaProcessing(separator, start, trim_offsets=True, add_prefix_space=False)
    return backend


def _wordpiece_backend(vocab: Path, config: Json) -> Tokenizer:
    backend = Tokenizer(models.WordPiece.from_file(str(vocab), unk_token=_text(config.get("unk_token", "[UNK]"))))
    backend.normalizer = normalizers.BertNormalizer(
        lowercase=config.get("do_lower_case", True),
        strip_accents=config.get("strip_accents"),
        handle_chinese_chars=config.get("tokenize_chinese_chars", True),
    )
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece()
    names = [_text(config.get(key, WORDPIECE.names[key])) for key in ("sep_token", "cls_token")]
    separator, start = (_known_token(backend, token, vocab) for token in names)
    backend.post_processor = processors.BertProcessing(separator, start)
    return backend


def _known_token(backend: Tokenizer, token: str, source: Path) -> tuple[str, int]:
    token_id = backend.token_to_id(token)
    if token_id is None:
        raise CheckpointError(f"{source}: found no {token!r} in the vocabulary, expected the special token")
    return token, token_id


# ---- tokens by name --------------------------------------------------------------------------------------------------


def _named_tokens(backend: Tokenizer, names: Mapping[str, str], config: Json) -> dict[str, str | AddedToken]:
    """Named special tokens; `<mask>` includes the space before it unless the files say otherwise, as in transformers 4."""
    held = {token.content for token in backend.get_added_tokens_decoder().values()}
    flags = {entry["content"]: entry for entry in (config.get("added_tokens_decoder") or {}).values()}
    named: dict[str, str | AddedToken] = {}
    for key, default in names.items():
        value = config.get(key) or default
        text = _text(value)
        entry = flags.get(text) or (value if isinstance(value, dict) else {})
        lstrip = entry.get("lstrip", key == "mask_token" and names is not WORDPIECE.names)
        named[key] = text if text in held else AddedToken(text, lstrip=lstrip, normalized=False, special=True)
    return named


def _marker_names(config: Json) -> tuple[str, str]:
    """Markers of `tokenizer_config.json`: `entity_token_1` in transformers 4, `entity_1_token` in 5."""
    first, second = (
        _text(config.get(f"entity_token_{n}") or config.get(f"entity_{n}_token") or default).removeprefix(SENTENCEPIECE.mark)
        for n, default in zip((1, 2), MARKER_TOKENS, strict=True)
    )
    return first, second


def _stated_tokens(directory: Path, config: Json) -> dict[str, int | None]:
    """Added tokens that the files name, with their ids if these are stated; never entity tokens, which are not words."""
    stated: dict[str, int | None] = {}
    # Only transformers' LUKE tokenizers write these keys; they always have both markers.
    if any(key in config for key in ("entity_token_1", "entity_1_token")):
        stated.update(dict.fromkeys(_marker_names(config)))
    for key in ("additional_special_tokens", "extra_special_tokens"):
        stated.update(dict.fromkeys(_text(token).removeprefix(SENTENCEPIECE.mark) for token in config.get(key) or ()))
    for token_id, token in (config.get("added_tokens_decoder") or {}).items():
        stated[_text(token)] = int(token_id)
    stated.update(_read_object(directory / "added_tokens.json"))
    return {token: token_id for token, token_id in stated.items() if token not in SPECIAL_ENTITIES}


def _text(token: str | Json) -> str:
    """A token written as a string or as the fields of an AddedToken."""
    return str(token["content"]) if isinstance(token, dict) else str(token)


# ---- everything else -------------------------------------------------------------------------------------------------


def _read_object(path: Path) -> Json:
    if not path.is_file():
        return {}
    content = read_json(path)
    if not isinstance(content, dict):
        raise CheckpointError(f"{path}: found {kind_of(content, 'JSON')}, expected an object")
    return content


def _load_entity_vocabulary(directory: Path, config: Json, entities: EntityVocabulary | None) -> EntityVocabulary:
    if any((directory / name).is_file() for name in FILE_NAMES):
        return EntityVocabulary.load(directory)
    embedded = config.get("entity_vocab")
    if isinstance(embedded, dict):
        return EntityVocabulary.from_hugging_face(embedded, source=directory / "tokenizer_config.json")
    if entities is not None:
        return entities
    raise CheckpointError(
        f"{directory}: found no entity vocabulary, expected one of {', '.join(FILE_NAMES)}; a LUKE that was fine-tuned for a "
        "task of words only is saved without one: give --base FOLDER (finetune: base=FOLDER), the LUKE that it started from"
    )


def _max_length(words: PreTrainedTokenizerFast, model_config: Json) -> int | None:
    """Limit from the position table of a LUKE model, if the tokenizer states no limit."""
    if stated_limit(words) is not None or model_config.get("model_type") != "luke":
        return None
    # Positions begin after that of padding: 514 rows and pad = 1 leave 512. The model counts from its own
    # padding id, which can differ from the tokenizer's.
    padding = model_config.get("pad_token_id")
    return int(model_config["max_position_embeddings"]) - int(words.pad_token_id if padding is None else padding) - 1
