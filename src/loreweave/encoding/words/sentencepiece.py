"""SentencePiece models (`sentencepiece.bpe.model`) as backends with the ids of XLM-R; needs no sentencepiece.

The file is a protocol buffer: `ModelProto {repeated SentencePiece pieces = 1; TrainerSpec = 2; NormalizerSpec = 3}`.
"""

from __future__ import annotations

import struct
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from loreweave.corpus.files.protocol_buffers import read_fields
from loreweave.encoding.families import SENTENCEPIECE
from loreweave.errors import CheckpointError

Piece = tuple[str, float]
_RAW_START = ["<unk>", "<s>", "</s>"]
_ALIGNED_START: list[Piece] = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
_UNIGRAM = 1


def sentencepiece_backend(path: Path) -> Tokenizer:
    """Read a unigram model and give its pieces their ids in XLM-R's embeddings.

    Raises:
        CheckpointError: the file is not SentencePiece, or not a unigram model with XLM-R's pieces.
    """
    try:
        pieces, model_type, charsmap = _parse(path.read_bytes())
    except (IndexError, ValueError, struct.error) as error:
        raise CheckpointError(f"{path}: found no SentencePiece model ({error}), expected one") from error
    if model_type != _UNIGRAM:
        raise CheckpointError(f"{path}: found a SentencePiece model of type {model_type}, expected unigram (1)")
    normalizer = normalizers.Precompiled(charsmap) if charsmap else None
    return aligned_backend(pieces, normalizer, str(path))


def aligned_backend(pieces: list[Piece], normalizer: normalizers.Normalizer | None, source: str) -> Tokenizer:
    """Backend of raw pieces: `<s> <pad> </s> <unk>`, then the raw pieces without their first three.

    fairseq put its own special tokens first, so every other id is one higher than in the SentencePiece file.
    """
    if [piece for piece, _ in pieces[:3]] != _RAW_START:
        raise CheckpointError(f"{source}: found the first pieces {pieces[:3]}, expected {_RAW_START}")
    backend = Tokenizer(models.Unigram([*_ALIGNED_START, *pieces[3:]], unk_id=3, byte_fallback=False))
    if normalizer is not None:
        backend.normalizer = normalizer
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(replacement=SENTENCEPIECE.mark, prepend_scheme="always")]
    )
    backend.decoder = decoders.Metaspace(replacement=SENTENCEPIECE.mark, prepend_scheme="always")
    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return backend


def nmt_nfkc() -> normalizers.Normalizer:
    """XLM-R's normalization, for files without its table (transformers 5 does not save it for mLUKE)."""
    spaces = normalizers.Replace(Regex(" {2,}"), " ")
    return normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(), spaces])


def _parse(content: bytes) -> tuple[list[Piece], int, bytes]:
    """Pieces with scores, type of the model, and the compiled normalization table."""
    pieces: list[Piece] = []
    model_type, charsmap = _UNIGRAM, b""
    for field, _, value in read_fields(content):
        if field == 1 and isinstance(value, bytes):
            pieces.append(_parse_piece(value))
        elif field == 2 and isinstance(value, bytes):
            model_type = next((v for f, _, v in read_fields(value) if f == 3 and isinstance(v, int)), _UNIGRAM)
        elif field == 3 and isinstance(value, bytes):
            charsmap = next((v for f, _, v in read_fields(value) if f == 2 and isinstance(v, bytes)), b"")
    return pieces, model_type, charsmap


def _parse_piece(content: bytes) -> Piece:
    text, score = "", 0.0
    for field, _, value in read_fields(content):
        if field == 1 and isinstance(value, bytes):
            text = value.decode("utf-8")
        elif field == 2 and isinstance(value, bytes):
            (score,) = struct.unpack("<f", value)
    return text, score
