"""Loads a LUKE of any format, and converts checkpoints from one format to another."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from transformers import PreTrainedModel

from loreweave.checkpoints.checked_writing import write_checked
from loreweave.checkpoints.formats import fairseq, hugging_face, sparse_lt
from loreweave.checkpoints.formats.lite import lite as make_lite
from loreweave.checkpoints.formats.registry import FORMATS, TARGETS, WRITABLE, format_named, plain_name, recognise
from loreweave.checkpoints.loading import LoadedCheckpoint, LoadOptions, LoadReport
from loreweave.corpus.files.reading import Pathname
from loreweave.corpus.files.replacing import check_overwritable
from loreweave.corpus.files.writing import check_free, check_replaceable
from loreweave.encoding.model_names import resolve
from loreweave.errors import ConfigurationError
from loreweave.models.head_settings import HEAD_SETTINGS

OURS_ALONE = {name: usual for name, usual in HEAD_SETTINGS.items() if name != "classifier_bias"}
"""Settings that no other format can store; all formats support a classifier with a bias."""


_ARCHIVE = "luke-original"
"""The format that can be written as one file; the others are folders."""
_SUFFIXES = {
    ".pdparams": "paddle",
    ".pt": fairseq.NAME,
    ".safetensors": hugging_face.NAME,
    **dict.fromkeys((".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz"), _ARCHIVE),
}
"""Ends of names of weight files, and the format that each belongs to."""


def load_luke(
    path: Pathname,
    cls: type[PreTrainedModel] | None = None,
    *,
    format: str | None = None,
    base: Pathname | None = None,
    entity_aware_attention: bool | None = None,
    seed: int = 0,
) -> LoadedCheckpoint:
    """Load a LUKE from any known format, or by its name on the Hugging Face Hub.

    Args:
        path: file, folder or archive; or a name `owner/name` on the Hub.
        cls: class of `loreweave.models`. Default: by the file's architecture or head.
        format: name of a format in `FORMATS`. Default: recognised.
        base: folder of the model that the file was made from, for what its format does not store (see `LoadOptions`).
        entity_aware_attention: switch the type-specific queries on or off.
        seed: seed of the parameters that the file does not contain (they are reported as new modules).

    Raises:
        CheckpointError: unknown format, unsafe or broken file, or tensors that do not fit the model.
    """
    place = resolve(path)
    module = FORMATS[recognise(place)] if format is None else format_named(format)
    options = LoadOptions(cls, None if base is None else resolve(base), entity_aware_attention, seed)
    loaded: LoadedCheckpoint = module.load(place, options)
    return loaded


def convert(
    source: Pathname,
    target: Pathname,
    to: str = hugging_face.NAME,
    from_: str | None = None,
    *,
    lite: bool = False,
    entity_aware_attention: bool | None = None,
    base: Pathname | None = None,
    classification_head: str | None = None,
    fairseq_version: str | None = None,
    lossy: bool = False,
    overwrite: bool = False,
) -> LoadReport:
    """Write the checkpoint `source` as `target` in another format and report the changes.

    The result is loaded again and must give the same outputs as the source (see `probe`); otherwise nothing is written.

    Args:
        source: as for `load_luke`, or the folder of a run, or `minilm`.
        target: file or folder to write.
        to: `hugging-face`, `luke-original` (a folder, or an archive by its suffix), `paddle`, `fairseq`, `sparse-lt` (the
            released full model of Sparse Latent Typing) or `encoder` (the source without the heads stored next to it).
        from_: format of the source. Default: recognised.
        lite: keep the special entities only.
        entity_aware_attention: the default of the converted model (see `LoadOptions`).
        base: model that the source was made from, named like `source`.
        classification_head: head of a fairseq file to make the classifier with.
        fairseq_version: version of fairseq that shall load the target (0.10).
        lossy: also write a result with different outputs; the report's `lost` describes the differences.
        overwrite: replace what is at `target`.

    Raises:
        ConfigurationError: unknown format, an option that does not apply to this conversion, or a target that is not empty or
            cannot be replaced.
        CheckpointError: the source cannot be read, the target's format cannot store it, or its outputs would differ.
    """
    place = Path(target)
    _check_suffix(place, to)
    check_free(place, overwrite)
    check_overwritable(check_replaceable(place))
    to_fairseq, names = plain_name(to) == fairseq.NAME, {plain_name(name) for name in (to, from_) if name is not None}
    origin, base = resolve(source), None if base is None else resolve(base)
    of_fairseq = fairseq.NAME in names or (from_ is None and _is_fairseq(origin))
    _refuse_unused(of_fairseq and not to_fairseq, classification_head, to_fairseq, fairseq_version)
    of_typer = names & {plain_name(name) for name in (sparse_lt.NAME, sparse_lt.ENCODER)}
    if not of_fairseq and (of_typer or (from_ is None and sparse_lt.recognises(origin))):
        if lite or entity_aware_attention is not None:
            raise ConfigurationError(f"{sparse_lt.NAME} is for encoders without entities: LUKE options do not apply")
        return sparse_lt.convert(origin, place, _choose(to), base, overwrite, lossy)
    if of_fairseq:
        if lite or entity_aware_attention is not None or names - {fairseq.NAME, plain_name(hugging_face.NAME)}:
            message = "fairseq is for RoBERTas without entities: convert only with hugging-face, no LUKE options"
            raise ConfigurationError(message)
        return fairseq.convert(
            origin, place, to_fairseq=to_fairseq, base=base, classification_head=classification_head,
            version=fairseq_version or "0.10", overwrite=overwrite, lossy=lossy,
        )  # fmt: skip
    module = _writable(to)
    loaded = load_luke(origin, format=from_, base=base, entity_aware_attention=entity_aware_attention)
    return _write_luke(make_lite(loaded) if lite else loaded, module, place, base, lossy)


def _check_suffix(target: Path, to: str) -> None:
    """Refuse a target whose name is that of another format's file, or of a file where the format has a folder."""
    owner = next((name for suffix, name in _SUFFIXES.items() if target.name.lower().endswith(suffix)), None)
    if owner is None or owner == _ARCHIVE == _written(to):
        return
    other = f", or --to {owner}" if owner == _ARCHIVE else f", and --to {owner} for such a file in it"
    other = "" if owner == _written(to) else other
    name = target.name.partition(".")[0] or "model"
    raise ConfigurationError(f"TARGET: found {target.name!r}, the name of a file, expected a folder such as {name!r}{other}")


def _written(to: str) -> str | None:
    """Name of a format that can be written, None for none."""
    return next((known for known in TARGETS if plain_name(known) == plain_name(to)), None)


def _writable(name: str) -> ModuleType:
    """The format of a LUKE to write, by name; ConfigurationError for none, or one that is only read."""
    found = next((known for known in FORMATS if plain_name(known) == plain_name(name)), None)
    if found in WRITABLE:
        return FORMATS[found]
    problem = f"found the format {name!r}" if found is None else f"{found} is only read, not written"
    raise ConfigurationError(f"--to: {problem}, expected one of {', '.join(TARGETS)}")


def _write_luke(loaded: LoadedCheckpoint, module: ModuleType, target: Path, base: Path | None, lossy: bool) -> LoadReport:
    """Write a LUKE, and note the settings that only loreweave knows.

    Raises:
        ConfigurationError: the format cannot store one of them.
    """
    ours_alone = [name for name, usual in OURS_ALONE.items() if getattr(loaded.model.config, name, usual) != usual]
    if ours_alone and module is not hugging_face:
        raise ConfigurationError(f"{module.NAME} cannot store {ours_alone[0]}: the model would be read without it")
    write_checked(loaded, module, target, base, lossy)
    loaded.report.notes += [
        f"{name} of config.json is known to loreweave only: other programs refuse the model or give other outputs"
        for name in ours_alone
    ]
    return loaded.report


def _refuse_unused(from_fairseq: bool, classification_head: str | None, to_fairseq: bool, version: str | None) -> None:
    """Raise ConfigurationError for an option of fairseq that does not apply to this conversion."""
    if classification_head is not None and not from_fairseq:
        message = f"--classification-head: found {classification_head!r}, expected none: it names a head of a fairseq file"
        raise ConfigurationError(f"{message} that becomes a Hugging Face folder")
    if version is not None and not to_fairseq:
        raise ConfigurationError(f"--fairseq-version: found {version!r}, expected none, because the target is not for fairseq")


def _choose(to: str) -> str:
    """Name of a target that a model with a typer can be converted to."""
    targets = (hugging_face.NAME, sparse_lt.NAME, sparse_lt.ENCODER)
    found = next((name for name in targets if plain_name(name) == plain_name(to)), None)
    if found is None:
        raise ConfigurationError(f"found the format {to!r}, expected one of {', '.join(targets)}")
    return found


def _is_fairseq(place: Path) -> bool:
    """Whether it looks like a file of fairseq and not like a LUKE."""
    return fairseq.recognises(place) and not any(module.recognises(place) for module in FORMATS.values())
