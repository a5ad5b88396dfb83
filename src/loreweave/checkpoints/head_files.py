"""A head in two files next to an encoder's own, which stay a plain Hugging Face folder.

NAME.json          description: the format with its version, and settings of the head
NAME.safetensors   weights
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from torch import Tensor, nn

from loreweave.checkpoints.tensor_files import write_safetensors
from loreweave.corpus.files.manifests import read_description
from loreweave.corpus.files.writing import atomic_path, write_json
from loreweave.errors import CheckpointError, DataError

Head = TypeVar("Head", bound=nn.Module)


@dataclass(frozen=True)
class HeadFiles:
    """Files of one kind of head.

    Attributes:
        stem: name of the two files.
        format: what the description says about itself.
        version: version of the format.
    """

    stem: str
    format: str
    version: int = 1

    def description(self, folder: Path, name: str | None = None) -> Path:
        """The description; a second head of the kind in a folder has a name, which follows the stem."""
        return folder / (f"{self.stem}.json" if name is None else f"{self.stem}.{name}.json")

    def weights(self, folder: Path, name: str | None = None) -> Path:
        """The file with the weights."""
        return self.description(folder, name).with_suffix(".safetensors")

    def save(self, folder: Path, tensors: dict[str, Tensor], described: Mapping[str, Any], name: str | None = None) -> None:
        """Write both files, each atomically."""
        with atomic_path(self.weights(folder, name)) as temporary:
            write_safetensors(tensors, temporary)
        write_json(self.description(folder, name), {"format": self.format, "version": self.version, **described})

    def read(self, folder: Path, name: str | None = None) -> dict[str, Any]:
        """Content of the description, without format and version.

        Raises:
            CheckpointError: the file does not exist, or is not ours.
        """
        try:
            content = read_description(self.description(folder, name), self.format, self.version)
        except DataError as error:
            raise CheckpointError(str(error)) from None
        return {field: value for field, value in content.items() if field not in ("format", "version")}


def filled(head: Head, tensors: Mapping[str, Tensor], path: Path) -> Head:
    """The head with the weights of a file as its own, in evaluation mode; one on the device `meta` needs no memory before.

    Raises:
        CheckpointError: the file has other names or shapes than the head.
    """
    try:
        head.load_state_dict(tensors, assign=True)
    except RuntimeError as error:
        raise CheckpointError(f"{path}: {error}") from None
    return head.eval()
