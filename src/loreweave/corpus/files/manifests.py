"""Small JSON files that describe a folder of ours: its format with the version, and the size and hash of each file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from loreweave.corpus.files.reading import Pathname, read_json, sha256_of
from loreweave.corpus.files.strict_json import in_json, kind_of
from loreweave.errors import DataError

MANIFEST = "manifest.json"


def read_description(path: Pathname, format: str, version: int) -> dict[str, Any]:
    """The content of a description with the right `format` and `version`.

    Raises:
        DataError: the file does not exist, or describes another format or another version of it.
    """
    content = read_json(path)
    if not isinstance(content, dict) or content.get("format") != format:
        found = in_json(content.get("format")) if isinstance(content, dict) else kind_of(content, "JSON")
        raise DataError(f"found {found}, expected {format!r}", path=path, field="format")
    if content.get("version") != version:
        raise DataError(f"found {in_json(content.get('version'))}, expected {version}", path=path, field="version")
    return content


def describe_files(files: Mapping[str, Path]) -> dict[str, dict[str, Any]]:
    """Size and SHA-256 of each file by its name in the description."""
    return {name: {"bytes": path.stat().st_size, "sha256": sha256_of(path)} for name, path in files.items()}


def verify_files(folder: Path, described: Mapping[str, Mapping[str, Any]]) -> None:
    """Compare each file of a folder with its hash. This reads all files.

    Raises:
        DataError: a file is missing or differs.
    """
    for name, entry in described.items():
        if not (folder / name).is_file() or sha256_of(folder / name) != entry["sha256"]:
            raise DataError("missing, or not the file that the manifest describes (SHA-256 differs)", path=folder / name)
