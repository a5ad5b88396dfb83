"""LUKE's pre-training checkpoints by DeepSpeed: `checkpoints/epoch20/mp_rank_00_model_states.pt`.

The state dict is under "module", next to counters and optimizer state; files without that wrapper are read too.
`metadata.json` and the vocabulary are up to three folders above. This format is only read, since it serves to
resume DeepSpeed runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from loreweave.checkpoints.formats.luke_original import METADATA, read_vocabulary
from loreweave.checkpoints.formats.original_layout import checkpoint_from_original, read_metadata
from loreweave.checkpoints.loading import DEFAULTS, LoadedCheckpoint, LoadOptions, LoadReport
from loreweave.checkpoints.tensor_files import state_dict_in
from loreweave.checkpoints.unpickling import read_torch_file
from loreweave.errors import CheckpointError

NAME = "deepspeed"

_FILE = "mp_rank_00_model_states.pt"
_LEVELS = 3


def recognises(path: Path) -> bool:
    """Whether it is `mp_rank_..._model_states.pt`, or a folder with the first of them."""
    if path.is_dir():
        return (path / _FILE).is_file()
    return path.is_file() and path.name.startswith("mp_rank_") and path.suffix == ".pt"


def load(path: Path, options: LoadOptions = DEFAULTS) -> LoadedCheckpoint:
    """Load as LukeForMaskedLM (or `options.cls`).

    Raises:
        CheckpointError: the model is split over several files (model parallelism), or no metadata is found.
    """
    report = LoadReport(NAME, str(path))
    file = path / _FILE if path.is_dir() else path
    if others := [other.name for other in file.parent.glob("mp_rank_*_model_states.pt") if other.name != file.name]:
        raise CheckpointError(f"{file}: the model is split over several files ({', '.join(sorted(others))}), expected one")
    content = read_torch_file(file)
    wrapped = isinstance(content, Mapping) and isinstance(content.get("module"), Mapping)
    tensors = state_dict_in(content["module"] if wrapped else content, file)
    if not wrapped:
        report.notes.append('the file has no "module"; its tensors were read from the top')
    tensors = {name.removeprefix("module."): tensor for name, tensor in tensors.items()}
    folder = _run_folder(file, options.base)
    metadata = None if folder is None else read_metadata(folder / METADATA)
    vocabulary = None if folder is None else read_vocabulary(folder)
    return checkpoint_from_original(tensors, metadata, vocabulary, file, options, report, beside=folder)


def _run_folder(file: Path, base: Path | None) -> Path | None:
    """Folder of `metadata.json`: the file's, one of three above it, or `base`."""
    places = [file.parent, *list(file.parent.parents)[:_LEVELS], *([base] if base else [])]
    return next((place for place in places if (place / METADATA).is_file()), None)
