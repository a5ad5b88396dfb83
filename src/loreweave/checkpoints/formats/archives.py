"""Checkpoints in folders and tar archives: the file with the weights, and unpacking of the required files."""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from loreweave.errors import CheckpointError


def weights_in(folder: Path, names: Sequence[str], others: str) -> Path | None:
    """The first of the named files that a folder has, or otherwise the only file that matches the pattern `others`."""
    named = next((folder / name for name in names if (folder / name).is_file()), None)
    found = sorted(folder.glob(others))
    return named or (found[0] if len(found) == 1 else None)


def unpack(archive: Path, folder: Path, place: Callable[[PurePosixPath], str | None]) -> None:
    """Unpack the required files of a tar.

    If several files have the same place, the one nearest to the root of the archive is unpacked. A path that is repeated
    has the content that was added last, as `tar -x` has it.

    Args:
        archive: the tar, compressed or not.
        folder: folder to write to; its subfolders are created.
        place: path in the archive -> path in `folder`, or None for a file that is not required.

    Raises:
        CheckpointError: the file is not a readable tar, or two of its folders have the same file at the same depth.
    """
    chosen: dict[str, PurePosixPath] = {}
    twins: dict[str, PurePosixPath] = {}
    try:
        with tarfile.open(archive) as members:
            for member in members:
                path = PurePosixPath(member.name)
                target = place(path) if member.isfile() else None
                if target is None:
                    continue
                earlier = chosen.get(target, path)
                if len(path.parts) > len(earlier.parts):
                    continue
                if len(path.parts) < len(earlier.parts):
                    twins.pop(target, None)
                elif path != earlier:
                    twins[target] = earlier
                chosen[target] = path
                stream = members.extractfile(member)
                assert stream is not None  # regular files have one
                (folder / target).parent.mkdir(parents=True, exist_ok=True)
                with stream, (folder / target).open("wb") as file:
                    shutil.copyfileobj(stream, file)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise CheckpointError(f"{archive}: found no readable tar archive ({error})") from None
    for target, path in twins.items():
        found = f"found {path} and {chosen[target]}, expected one checkpoint"
        raise CheckpointError(f"{archive}: {found}; unpack the archive and give one of its folders")
