"""Full models of the released Sparse Latent Typing code, and the bare encoder of any checkpoint.

The released folder has a BERT configuration with the decoder's sizes and one weight file whose tensors are the encoder's
(`model.bert.*`, `model.cls.*`), the typer's (`sa_pm.*`) and the decoder's. Row 0 of both
typer tables is unused, and zero in files written here. Loaded models behave as the released code did.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers import AutoModelForMaskedLM, BertConfig, BertForMaskedLM, PreTrainedModel

from loreweave.checkpoints import knowledge_embedding, type_head
from loreweave.checkpoints import latent_typing as side_files
from loreweave.checkpoints.fitting import build
from loreweave.checkpoints.formats import hugging_face
from loreweave.checkpoints.formats.hugging_face import read_config
from loreweave.checkpoints.head_probe import typed_outputs
from loreweave.checkpoints.loading import LoadOptions, LoadReport
from loreweave.checkpoints.probe import checked_folder, differences
from loreweave.checkpoints.tensor_files import read_tensors, weight_file_in, write_torch
from loreweave.checkpoints.word_tokenizers import has_tokenizer, read_word_tokenizer
from loreweave.corpus.files.strict_json import in_json
from loreweave.corpus.files.writing import atomic_folder, write_json
from loreweave.errors import CheckpointError
from loreweave.models.sparse_typing import SparseTypingConfig, SparseTypingHead
from loreweave.training.quiet import quiet

NAME = "sparse-lt"
ENCODER = "encoder"
"""Target of `convert` that is the encoder only."""

_SIDE_FILES = (*(f"{head.FILES.stem}.*" for head in (side_files, knowledge_embedding, type_head)), "objective_heads.*")
_TRAINING = (
    "complete.json", "trainer_state.json", "training_args.bin", "optimizer.pt", "optimizer.bin", "scheduler.pt", "scaler.pt",
    "rng_state*.pth",
)  # fmt: skip
"""Files of a checkpoint that only its run needs."""
_TABLES = {"typer.weight_proj": "sa_pm.weight_proj.weight", "typer.vars": "sa_pm.vars"}
_WORDS, _OUTPUT, _BIAS = "model.bert.embeddings.word_embeddings.weight", "glm_head.weight", "glm_head.bias"
_HEAD = "model.cls.predictions"
_TIED = {_OUTPUT: _WORDS, f"{_HEAD}.decoder.weight": _WORDS, f"{_HEAD}.decoder.bias": f"{_HEAD}.bias"}
_OWN_SETTINGS = ("decoder_layers", "decoder_ffn_dim", "activation_function", "init_std")


def recognises(path: Path) -> bool:
    """Whether it is a folder with the released configuration and weights."""
    return path.is_dir() and "decoder_ffn_dim" in read_config(path) and weight_file_in(path) is not None


def load(path: Path) -> tuple[BertForMaskedLM, SparseTypingHead, LoadReport]:
    """Masked-word model and head of a released folder, in evaluation mode, float32, on the CPU.

    Raises:
        CheckpointError: tensors are missing, unknown or of wrong shapes, or tied copies differ.
    """
    report, tensors = LoadReport(NAME, str(path)), read_tensors(path)
    content = read_config(path)
    inner = content.get("decoder_ffn_dim")
    if not isinstance(inner, int):
        raise CheckpointError(f"{path / 'config.json'}, field 'decoder_ffn_dim': found {in_json(inner)}, expected a number")
    config = BertConfig(**{name: value for name, value in content.items() if name not in _OWN_SETTINGS})
    model = build(BertForMaskedLM, config, seed=0)
    _drop_copies(tensors, path, report)
    encoder = {name.removeprefix("model."): tensors.pop(name) for name in list(tensors) if name.startswith("model.")}
    _fill(model, encoder, path)
    head = _head(tensors, config, inner, path)
    return model.eval(), head, report


def _fill(model: BertForMaskedLM, tensors: dict[str, Tensor], path: Path) -> None:
    """Load the encoder and its masked-word head; one name of each tied tensor is enough."""
    tied = {"cls.predictions.decoder.weight", "cls.predictions.decoder.bias"}
    if "cls.predictions.decoder.bias" in tensors:
        tied.add("cls.predictions.bias")
    try:
        missing, unknown = model.load_state_dict(tensors, strict=False)
    except RuntimeError as error:
        raise CheckpointError(f"{path}: {error}") from None
    if unknown or set(missing) - tied:
        problem = f"found model.{unknown[0]}, which BERT does not have" if unknown else f"found no model.{missing[0]}"
        raise CheckpointError(f"{path}: {problem}")


def _drop_copies(tensors: dict[str, Tensor], path: Path, report: LoadReport) -> None:
    """Remove buffers, and tensors that are tied to others, which they must equal."""
    for name in [name for name in tensors if name.endswith(".position_ids")]:
        del tensors[name]
        report.dropped[name] = "a buffer"
    tied = {name: f"model.bert.{name.removeprefix('decoder.')}" for name in tensors if name.startswith("decoder.embeddings.")}
    tied |= {name: other for name, other in _TIED.items() if name in tensors and other in tensors}
    for name, other in tied.items():
        if other not in tensors or not torch.equal(tensors[name], tensors[other]):
            raise CheckpointError(f"{path}: {name} is not equal to {other}, to which the released model ties it")
        del tensors[name]
        report.dropped[name] = "tied to the encoder's"


def _head(tensors: dict[str, Tensor], config: BertConfig, inner: int, path: Path) -> SparseTypingHead:
    state = {name: tensor for name, tensor in tensors.items() if name.startswith("decoder.")}
    if missing := [name for name in (*_TABLES.values(), _BIAS) if name not in tensors]:
        raise CheckpointError(f"{path}: found no {missing[0]}, expected a full model with typer and decoder")
    state |= {ours: tensors[theirs][1:] for ours, theirs in _TABLES.items()} | {"bias": tensors[_BIAS]}
    if unknown := sorted(set(tensors) - set(state) - set(_TABLES.values()) - {_BIAS}):
        raise CheckpointError(f"{path}: found {unknown[0]}, which a full model does not have")
    head = SparseTypingHead(
        SparseTypingConfig(
            hidden_size=config.hidden_size, heads=config.num_attention_heads, inner_size=inner, vocab_size=config.vocab_size,
            types=len(tensors[_TABLES["typer.vars"]]), dropout=config.hidden_dropout_prob,
            layer_drop=config.hidden_dropout_prob,
        )
    )  # fmt: skip
    try:
        head.load_state_dict(state)
    except RuntimeError as error:
        raise CheckpointError(f"{path}: {error}") from None
    return head.eval()


def save(model: PreTrainedModel, head: SparseTypingHead, path: Path) -> None:
    """Write the released layout into a folder.

    Raises:
        CheckpointError: the model is not a BERT, or the layout cannot express the head's behaviour.
    """
    if not isinstance(model, BertForMaskedLM):
        raise CheckpointError(f"found a {type(model).__name__}, expected a BertForMaskedLM: the only model of that layout")
    if not head.config.double_embedding or head.config.mask_unselected:
        raise CheckpointError(
            "found double_embedding false or mask_unselected true, expected the released behaviour: the released code would "
            "compute something else than in training"
        )
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    tensors |= {name: tensor for name, tensor in head.state_dict().items() if name.startswith("decoder.")}
    tensors |= {theirs: functional.pad(head.get_parameter(ours), (0, 0, 1, 0)) for ours, theirs in _TABLES.items()}
    tensors |= {_BIAS: head.bias, _OUTPUT: tensors[_WORDS]}
    part = "model.bert.embeddings."
    tensors |= {f"decoder.embeddings.{name.removeprefix(part)}": tensors[name] for name in tensors if name.startswith(part)}
    write_torch(tensors, path / "pytorch_model.bin")
    content = model.config.to_dict() | {"decoder_layers": 1, "decoder_ffn_dim": head.config.inner_size}
    write_json(path / "config.json", content | {"activation_function": "gelu", "init_std": 0.02})


def convert(origin: Path, target: Path, to: str, base: Path | None, overwrite: bool, lossy: bool = False) -> LoadReport:
    """Convert the released folder to ours, ours to the released one, or either to the bare encoder.

    Raises:
        CheckpointError: the source cannot be read, the target cannot store it, or its outputs would differ (unless
            `lossy`).
    """
    if to == ENCODER and not recognises(origin):
        return _bare(origin, target, base, overwrite)
    if to == NAME:
        _check_folder(origin)
        with quiet():
            model: Any = AutoModelForMaskedLM.from_pretrained(origin, dtype=torch.float32)
        head, report = side_files.load_head(origin), LoadReport("hugging-face", str(origin))
        report.notes += _trained_otherwise(head, model.config.hidden_dropout_prob)
        with checked_folder(target, model, report, NAME, overwrite, lossy) as check:
            save(model, head, check.folder)
            _save_tokenizer(origin, base, check.folder, report)
            again, head_again, _ = load(check.folder)
            check.compare(again)
            check.heads = differences(typed_outputs(model, head, check.batch), typed_outputs(again, head_again, check.batch))
        return report
    model, head, report = load(origin)
    with checked_folder(target, model, report, "a Hugging Face folder", overwrite, lossy) as check, quiet():
        model.save_pretrained(check.folder)
        if to != ENCODER:
            side_files.save(check.folder, head, {"source": NAME})
        _save_tokenizer(origin, base, check.folder, report)
        again = AutoModelForMaskedLM.from_pretrained(check.folder, dtype=torch.float32)
        check.compare(again)
        if to != ENCODER:
            wanted = typed_outputs(model, head, check.batch)
            check.heads = differences(wanted, typed_outputs(again, side_files.load_head(check.folder), check.batch))
    return report


def _trained_otherwise(head: SparseTypingHead, dropout: float) -> list[str]:
    """Rates that the layout cannot store: the released code uses the encoder's dropout for both in further training."""
    rates = {"dropout": head.config.dropout, "layer_drop": head.config.layer_drop}
    found = ", ".join(f"{name} {rate:g}" for name, rate in rates.items() if rate != dropout)
    return [f"the head was trained with {found}; the released code would train it on with {dropout:g}"] if found else []


def _bare(origin: Path, target: Path, base: Path | None, overwrite: bool) -> LoadReport:
    """A copy of a Hugging Face folder without the heads stored next to the encoder, and without the state of a training."""
    _check_folder(origin)
    report = LoadReport("hugging-face", str(origin))
    for patterns, reason in ((_SIDE_FILES, "a head next to the encoder"), (_TRAINING, "the state of the training")):
        left_out = sorted(path.name for pattern in patterns for path in origin.glob(pattern))
        report.dropped |= dict.fromkeys(left_out, reason)
    with atomic_folder(target, overwrite) as folder:
        shutil.copytree(origin, folder, ignore=shutil.ignore_patterns(*_SIDE_FILES, *_TRAINING), dirs_exist_ok=True)
        if base is not None and hugging_face.recognises(origin):
            loaded = hugging_face.load(origin, LoadOptions(base=base))
            if loaded.tokenizer is not None:
                loaded.tokenizer.save_pretrained(folder)
        elif base is not None or not has_tokenizer(origin):
            _save_tokenizer(origin, base, folder, report)
    return report


def _check_folder(origin: Path) -> None:
    if not (origin / "config.json").is_file() or weight_file_in(origin) is None:
        raise CheckpointError(f"{origin}: found no config.json with weights, expected a model's folder or a run")


def _save_tokenizer(origin: Path, base: Path | None, folder: Path, report: LoadReport) -> None:
    source = base or (origin if has_tokenizer(origin) else None)
    if source is None:
        report.notes.append("no tokenizer files in the folder: give --base, the model that it was made from")
    else:
        read_word_tokenizer(source).save_pretrained(folder)
