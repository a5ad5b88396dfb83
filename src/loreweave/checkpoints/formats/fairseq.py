"""fairseq's RoBERTa (`model.pt`, `checkpoint*.pt`) of every generation, with KEPLER's heads, to Hugging Face and back.

A file is a pickle of `args`, `model` and training state. It is read without running code and without importing fairseq.
The encoder becomes a `RobertaForMaskedLM`, and a head over a knowledge graph becomes the side files of
`loreweave.checkpoints.knowledge_embedding`.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedTokenizerFast, RobertaConfig, RobertaForMaskedLM, RobertaForSequenceClassification

from loreweave.checkpoints import knowledge_embedding as side_files
from loreweave.checkpoints.fitting import build, untrained_modules
from loreweave.checkpoints.formats.fairseq_heads import args_of, heads_that_fit, name_there, read_head, tensors_of, texts_of
from loreweave.checkpoints.formats.fairseq_layout import (
    POSITIONS,
    TOKENS,
    FairseqTensors,
    Tensors,
    from_hugging_face,
    generation_named,
    read_layout,
    to_hugging_face,
    write_layout,
)
from loreweave.checkpoints.formats.fairseq_vocabulary import find_tokenizer, write_vocabulary
from loreweave.checkpoints.formats.hugging_face import config_for_both, read_config
from loreweave.checkpoints.head_probe import unlike_heads, unlike_readings
from loreweave.checkpoints.loading import LoadReport
from loreweave.checkpoints.probe import checked_folder
from loreweave.checkpoints.tensor_files import state_dict_in, write_safetensors
from loreweave.checkpoints.unpickling import Settings, read_torch_file
from loreweave.checkpoints.word_tokenizers import read_word_tokenizer
from loreweave.corpus.counts import listed
from loreweave.corpus.fairseq_dictionary import SPECIALS
from loreweave.corpus.files.reading import Pathname
from loreweave.corpus.files.strict_json import in_json
from loreweave.corpus.files.writing import atomic_folder, write_json
from loreweave.encoding.entity_texts import EntityTextConfig
from loreweave.errors import CheckpointError
from loreweave.models.knowledge_embedding import KnowledgeEmbeddingHead
from loreweave.training.quiet import quiet

NAME = "fairseq"

FILE = "model.pt"
_FILES = (FILE, "checkpoint_best.pt", "checkpoint_last.pt")
_ATTENTION_HEADS = {"roberta": 12, "roberta_base": 12, "roberta_large": 16}  # by `arch`, if `args` has no number
_LAYER_NORM_EPS = 1e-5
_PAD = SPECIALS.index("<pad>")


@dataclass
class FairseqCheckpoint:
    """A fairseq file as objects of Hugging Face's classes.

    Attributes:
        model: in evaluation mode, float32, on the CPU.
        heads: KEPLER's heads over knowledge graphs, by name.
        variant: KEPLER's composition of texts.
        text: settings of the texts.
    """

    model: RobertaForMaskedLM | RobertaForSequenceClassification
    tokenizer: PreTrainedTokenizerFast
    heads: dict[str, KnowledgeEmbeddingHead]
    variant: side_files.Variant
    text: EntityTextConfig
    report: LoadReport


def recognises(path: Path) -> bool:
    """A `.pt` file, or a folder with `model.pt` or a checkpoint of fairseq's training."""
    return _file_of(path) is not None


def _file_of(path: Path) -> Path | None:
    if path.is_dir():
        return next((path / name for name in _FILES if (path / name).is_file()), None)
    return path if path.is_file() and path.suffix == ".pt" else None


# ---- from fairseq ----------------------------------------------------------------------------------------------------


def load(path: Path, base: Path | None = None, classification_head: str | None = None) -> FairseqCheckpoint:
    """Load a file (or its folder) with the vocabulary next to it.

    Args:
        base: a Hugging Face folder with the tokenizer, if `dict.txt` and GPT-2's files are not next to the checkpoint.
        classification_head: head of the file to make the classifier with, instead of the masked-word model.

    Raises:
        CheckpointError: unsafe or broken file, an unknown tensor or one of a wrong shape, a model that Hugging Face's
            RoBERTa does not support, or no tokenizer.
    """
    file = _file_of(path)
    if file is None:
        raise CheckpointError(f"{path}: found no .pt file of fairseq, expected one or a folder with {', '.join(_FILES)}")
    report = LoadReport(NAME, str(file))
    state, settings = _read(file, report)
    found = read_layout(state, file, report)
    _choose_head(found, classification_head, file, report)
    config = _config(found, settings, classification_head, file, report)
    model: RobertaForMaskedLM | RobertaForSequenceClassification
    if classification_head is None:
        model = build(RobertaForMaskedLM, config, seed=0)
    else:
        model = build(RobertaForSequenceClassification, config, seed=0)
    model.load_state_dict(to_hugging_face(found, classification_head), strict=True)
    model.tie_weights()
    length = config.max_position_embeddings - _PAD - 1
    tokenizer = find_tokenizer(file.parent, base, config.vocab_size, length)
    variant, text = texts_of(settings, length)
    heads = {name: read_head(name, tensors, variant, report) for name, tensors in found.knowledge_heads.items()}
    return FairseqCheckpoint(model, tokenizer, heads, variant, text, report)


def _choose_head(found: FairseqTensors, chosen: str | None, file: Path, report: LoadReport) -> None:
    """Check that the file has the requested head, and report those that are left out."""
    if chosen is not None and chosen not in found.classification_heads:
        known = ", ".join(found.classification_heads) or "none"
        raise CheckpointError(f"{file}: found no classification head {chosen!r}; the file has {known}")
    for head, tensors in found.classification_heads.items():
        if head != chosen:
            reason = "a classification head; --classification-head NAME converts it to a classifier"
            report.dropped |= {f"classification_heads.{head}.{name}": reason for name in tensors}
    if chosen is not None:
        lost = (name for name in found.encoder if name.startswith("lm_head."))
        report.dropped |= dict.fromkeys(lost, "a classifier has no masked-word head")


def _read(file: Path, report: LoadReport) -> tuple[Tensors, dict[str, Any]]:
    """Tensors and settings of a file."""
    content = read_torch_file(file, stand_in_for="fairseq")
    if not isinstance(content, dict) or not isinstance(content.get("model"), Mapping):
        raise CheckpointError(f"{file}: found no 'model' of named tensors, expected a checkpoint of fairseq")
    if training := sorted(set(content) - {"model", "args", "cfg"}):
        report.notes.append(f"left out the training state ({', '.join(map(str, training))})")
    return state_dict_in(content["model"], file), _settings(content)


def _settings(content: Mapping[str, Any]) -> dict[str, Any]:
    """`args`, or in newer files task and model of `cfg`; empty if the file has neither."""
    if content.get("args") is not None:
        return _plain(content["args"])
    cfg = _plain(content.get("cfg"))
    return _plain(cfg.get("task")) | _plain(cfg.get("model"))


def _plain(value: Any) -> dict[str, Any]:
    if isinstance(value, Settings):
        return vars(value)
    return dict(value) if isinstance(value, Mapping) else {}


def _config(
    found: FairseqTensors, settings: Mapping[str, Any], classification_head: str | None, file: Path, report: LoadReport
) -> RobertaConfig:
    """Sizes from the tensors, other settings from `args`."""
    _check_settings(settings, classification_head, file)
    table, positions = (found.encoder[f"sentence_encoder.{name}"] for name in (TOKENS, POSITIONS))
    hidden, inner = found.hidden_size, len(found.encoder["sentence_encoder.layers.0.fc1.bias"])
    sizes = {"encoder_layers": found.layers, "encoder_embed_dim": hidden, "encoder_ffn_embed_dim": inner}
    sizes["max_positions"] = len(positions) - _PAD - 1
    for name, size in sizes.items():
        if settings.get(name) not in (None, size):
            report.notes.append(f"{name}: args has {settings[name]}, the tensors have {size}, which is used")
    heads = settings.get("encoder_attention_heads") or _ATTENTION_HEADS.get(str(settings.get("arch")))
    if not isinstance(heads, int) or heads < 1 or hidden % heads:
        raise CheckpointError(
            f"{file}: found {in_json(heads)} as encoder_attention_heads in args, expected a divisor of {hidden}"
        )
    if table.dtype != torch.float32:
        report.notes.append(f"weights of {table.dtype} were converted to float32")
    if settings.get("activation_dropout"):
        report.notes.append(f"activation_dropout {settings['activation_dropout']} has no counterpart in Hugging Face's RoBERTa")
    labels = {} if classification_head is None else _labels(found, classification_head, settings)
    tied = torch.equal(found.encoder["lm_head.weight"], table)
    if not tied:
        report.notes.append("the masked-word head has a separate table (untied)")
    return RobertaConfig(
        vocab_size=len(table),
        hidden_size=hidden,
        num_hidden_layers=found.layers,
        num_attention_heads=heads,
        intermediate_size=inner,
        hidden_act="gelu",
        max_position_embeddings=len(positions),
        type_vocab_size=1,
        layer_norm_eps=_LAYER_NORM_EPS,
        hidden_dropout_prob=float(settings.get("dropout", 0.1)),
        attention_probs_dropout_prob=float(settings.get("attention_dropout", 0.1)),
        bos_token_id=0,
        pad_token_id=_PAD,
        eos_token_id=2,
        tie_word_embeddings=tied,
        **labels,
    )


def _labels(found: FairseqTensors, head: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    labels = len(found.classification_heads[head]["out_proj.bias"])
    return {"num_labels": labels, "classifier_dropout": float(settings.get("pooler_dropout", 0.0))}


def _check_settings(settings: Mapping[str, Any], classification_head: str | None, file: Path) -> None:
    """Refuse settings with which a model has the tensors of a RoBERTa but computes something else."""
    expected = {"activation_fn": "gelu", "bert": False, "no_scale_embedding": True, "encoder_learned_pos": True}
    if classification_head is not None:
        expected["pooler_activation_fn"] = "tanh"
    for name, value in expected.items():
        if settings.get(name, value) != value:
            message = f"found {name} {settings[name]!r} in args, expected {value!r}"
            raise CheckpointError(f"{file}: {message}, the only value that Hugging Face's RoBERTa supports")


def _write_hugging_face(checkpoint: FairseqCheckpoint, folder: Path) -> None:
    """Write files that transformers 4 and 5 load as RoBERTa, with the side files of the heads."""
    write_safetensors(checkpoint.model.state_dict(), folder / "model.safetensors")
    write_json(folder / "config.json", config_for_both(checkpoint.model))
    checkpoint.tokenizer.save_pretrained(str(folder))
    checkpoint.tokenizer.backend_tokenizer.model.save(str(folder))  # vocab.json and merges.txt, for transformers 4
    for name, head in checkpoint.heads.items():
        side_files.save(folder, head, None, variant=checkpoint.variant, pooling="first", text=checkpoint.text, name=name)


# ---- to fairseq ------------------------------------------------------------------------------------------------------


def save(
    model: RobertaForMaskedLM,
    tokenizer: PreTrainedTokenizerFast,
    path: Pathname,
    *,
    heads: Mapping[str, KnowledgeEmbeddingHead] | None = None,
    variant: side_files.Variant = "wiki",
    version: str = "0.10",
    overwrite: bool = False,
) -> list[str]:
    """Write a folder with `model.pt`, `dict.txt` and GPT-2's files, for a version of fairseq; returns notes.

    Args:
        heads: heads over knowledge graphs; only KEPLER's fork of fairseq 0.8 supports them.
        variant: variant of the heads.
        version: version of fairseq, in `GENERATIONS`.

    Raises:
        CheckpointError: the model computes something that fairseq's RoBERTa does not, or the tokenizer is of another kind.
        ConfigurationError: unknown version, or `path` is not empty and `overwrite` is false.
    """
    generation, notes = generation_named(version), list[str]()
    _check_config(model.config, notes)
    if untrained := untrained_modules(model.config):
        notes.append(f"{listed(untrained)} was never trained, which a file of fairseq cannot say")
    encoder = from_hugging_face(model.state_dict(), model.config.num_hidden_layers, _PAD, notes)
    if not torch.equal(encoder["lm_head.weight"], encoder[f"sentence_encoder.{TOKENS}"]) and version == "0.8":
        raise CheckpointError("the masked-word head has a separate table, but fairseq 0.8 ties it to the sub-words")
    state = write_layout(encoder, generation)
    kept = heads_that_fit(heads or {}, version, notes)
    for name, head in kept.items():
        state |= tensors_of(name, head)
    with atomic_folder(path, overwrite) as folder:
        write_vocabulary(tokenizer, model.config.vocab_size, folder)
        content = {
            "args": argparse.Namespace(**_args(model.config) | args_of(kept, variant)),
            "model": {name: tensor.detach().contiguous() for name, tensor in state.items()},
            "optimizer_history": [
                {"criterion_name": "MaskedLmLoss", "optimizer_name": "FairseqAdam", "lr_scheduler_state": {}, "num_updates": 0}
            ],
            "extra_state": {"train_iterator": {"epoch": 1, "iterations_in_epoch": 0}, "val_loss": None},
        }
        torch.save(content, folder / FILE, _use_new_zipfile_serialization=False)  # the format of old PyTorch versions
    return notes


def _check_config(config: RobertaConfig, notes: list[str]) -> None:
    expected = {"hidden_act": "gelu", "pad_token_id": _PAD, "bos_token_id": 0, "eos_token_id": 2}
    for name, value in expected.items():
        if getattr(config, name) != value:
            raise CheckpointError(f"found {name} {getattr(config, name)!r}, fairseq's RoBERTa has {value!r}")
    if config.layer_norm_eps != _LAYER_NORM_EPS:
        notes.append(f"fairseq computes with layer_norm_eps {_LAYER_NORM_EPS}, not {config.layer_norm_eps}: small differences")


def _args(config: RobertaConfig) -> dict[str, Any]:
    """Fields of `args` from which fairseq builds task and model."""
    length = config.max_position_embeddings - _PAD - 1
    shape = (config.num_hidden_layers, config.hidden_size, config.intermediate_size, config.num_attention_heads)
    named = {(12, 768, 3072, 12): "roberta_base", (24, 1024, 4096, 16): "roberta_large"}
    return {
        "arch": named.get(shape, "roberta"),
        "task": "masked_lm",
        "criterion": "masked_lm",
        "data": ".",
        "dataset_impl": None,
        "bpe": "gpt2",
        "seed": 1,
        "encoder_layers": config.num_hidden_layers,
        "encoder_embed_dim": config.hidden_size,
        "encoder_ffn_embed_dim": config.intermediate_size,
        "encoder_attention_heads": config.num_attention_heads,
        "activation_fn": "gelu",
        "pooler_activation_fn": "tanh",
        "dropout": config.hidden_dropout_prob,
        "attention_dropout": config.attention_probs_dropout_prob,
        "activation_dropout": 0.0,
        "pooler_dropout": 0.0,
        "max_positions": length,
        "tokens_per_sample": length,
        "sample_break_mode": "complete",
        "mask_prob": 0.15,
        "leave_unmasked_prob": 0.1,
        "random_token_prob": 0.1,
        "freq_weighted_replacement": False,
        "mask_whole_words": False,
        "untie_weights_roberta": not config.tie_word_embeddings,
    }


def _read_hugging_face(folder: Path, report: LoadReport) -> RobertaForMaskedLM:
    kind = read_config(folder).get("model_type") if folder.is_dir() else None
    if kind != "roberta":
        raise CheckpointError(f"{folder}: found a model of the type {kind}, expected the folder of a RoBERTa")
    try:
        with quiet():
            loaded: Any = RobertaForMaskedLM.from_pretrained(
                folder, dtype=torch.float32, local_files_only=True, output_loading_info=True
            )
    except (OSError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{folder}: found no readable RoBERTa ({str(error).splitlines()[0]})") from None
    model, differences = loaded
    if missing := sorted(differences["missing_keys"]):
        raise CheckpointError(f"{folder}: the weights lack {listed(missing)}, which fairseq's RoBERTa has")
    report.dropped |= {name: "fairseq's RoBERTa does not have it" for name in differences["unexpected_keys"]}
    trained: RobertaForMaskedLM = model.eval()
    return trained


# ---- both ways -------------------------------------------------------------------------------------------------------


def convert(
    source: Path,
    target: Path,
    *,
    to_fairseq: bool,
    base: Path | None = None,
    classification_head: str | None = None,
    version: str = "0.10",
    overwrite: bool = False,
    lossy: bool = False,
) -> LoadReport:
    """Write the checkpoint `source` as a Hugging Face folder, or a Hugging Face RoBERTa in fairseq's layout.

    Arguments and errors as for `load` and `save`. The result is loaded again, and refused if its outputs differ
    (unless `lossy`).
    """
    if not to_fairseq:
        checkpoint = load(source, base, classification_head)
        with checked_folder(target, checkpoint.model, checkpoint.report, "a Hugging Face folder", overwrite, lossy) as check:
            _write_hugging_face(checkpoint, check.folder)
            check.compare(type(checkpoint.model).from_pretrained(check.folder, dtype=torch.float32))
            again = {name: side_files.load_head(check.folder, name=name) for name in side_files.names(check.folder)}
            check.heads = unlike_heads(checkpoint.heads, again)
        return checkpoint.report
    report = LoadReport("hugging-face", str(source))
    model = _read_hugging_face(source, report)
    heads = {name: side_files.load_head(source, name=name) for name in side_files.names(source)}
    described = {name_there(name): side_files.describe(source, name) for name in heads}
    kept = heads_that_fit(heads, version, [])
    variant: side_files.Variant = next((described[name].variant for name in kept), "wiki")
    tokenizer = read_word_tokenizer(source if base is None else base)
    with checked_folder(target, model, report, NAME, overwrite, lossy) as check:
        report.notes += save(model, tokenizer, check.folder, heads=heads, variant=variant, version=version, overwrite=True)
        written = load(check.folder)
        check.compare(written.model)
        check.heads = unlike_heads(kept, written.heads)
        fed: dict[str, object] = {"variant": written.variant, "pooling": "first", "normalize": False}
        check.heads += [line for name in kept for line in unlike_readings(name, described[name], fed)]
    return report
