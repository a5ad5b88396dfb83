"""The encoder of a folder, without any head."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import AutoModel, PreTrainedModel

from loreweave.checkpoints.formats import hugging_face
from loreweave.checkpoints.loading import LoadOptions
from loreweave.corpus.counts import listed
from loreweave.corpus.files.reading import Pathname
from loreweave.errors import CheckpointError
from loreweave.models.luke.encoder import LukeModel
from loreweave.training.quiet import quiet


def lacking_weights(source: Pathname, names: Sequence[str]) -> CheckpointError:
    """Error for files without some of an encoder's weights."""
    return CheckpointError(f"{source}: the weights lack {listed(names)}, which the encoder needs")


def load_encoder(folder: Pathname) -> PreTrainedModel:
    """The encoder of a folder: our own class for a LUKE, otherwise that of `AutoModel`.

    Raises:
        CheckpointError: there is none, or it cannot be read.
    """
    place = Path(folder)
    if hugging_face.recognises(place):
        return hugging_face.load(place, LoadOptions(cls=LukeModel)).model
    if not (place / "config.json").is_file():
        raise CheckpointError(f"{place}: found no encoder, expected a config.json and weights")
    try:
        with quiet():
            encoder, report = AutoModel.from_pretrained(
                place, dtype=torch.float32, local_files_only=True, output_loading_info=True
            )
    except (OSError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{place}: found no readable encoder ({str(error).splitlines()[0]})") from None
    if missing := sorted(key for key in report["missing_keys"] if not key.startswith("pooler.")):
        raise lacking_weights(place, missing)
    trained: PreTrainedModel = encoder.eval()
    return trained
