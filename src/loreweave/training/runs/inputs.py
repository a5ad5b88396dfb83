"""Inputs of a run: the hash of every file by the setting that names it, so that a run is not resumed with other data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from loreweave.corpus.counts import listed
from loreweave.corpus.files.manifests import MANIFEST
from loreweave.corpus.files.reading import hashes_of_folder, read_json, sha256_of
from loreweave.errors import DataError


def hashes_of(path: Path) -> dict[str, str]:
    """SHA-256 of a file, of the files that a folder's manifest lists, or of the files in a folder without one.

    Hashes in a manifest are used as they are; a file with another size than in the manifest is listed with its size.
    """
    if not path.is_dir():
        return {path.name: sha256_of(path)} if path.is_file() else {}
    listed = _listed(path)
    if listed is not None:
        return listed
    return hashes_of_folder(path)


def _listed(folder: Path) -> dict[str, str] | None:
    try:
        manifest = read_json(folder / MANIFEST)
        files = {name: (entry["sha256"], entry["bytes"]) for name, entry in manifest["files"].items()}
    except (DataError, KeyError, TypeError, AttributeError):
        return None
    found = {}
    for name, (digest, size) in files.items():
        file = folder / name
        there = file.stat().st_size if file.is_file() else None
        found[name] = str(digest) if there == size else f"{there} bytes"
    return found


def name_and_content(recorded: str) -> tuple[str, str]:
    """File name, and the rest, of an input that is recorded as `NAME sha256:HASH` (`finetune.hashes_of_files`)."""
    name, _, content = recorded.partition(" sha256:")
    return name, content


def recorded_setting(run: Path, name: str) -> Any:
    """A setting in a run's `config.json`; None if there is none."""
    path = run / "config.json"
    config = read_json(path) if path.is_file() else {}
    return config.get("settings", config).get(name) if isinstance(config, dict) else None


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Changes of a run's input: settings with their files, and numbers that follow from the data."""
    lines = []
    for name in dict.fromkeys([*old, *new]):
        before, now = old.get(name), new.get(name)
        if before == now:
            continue
        if isinstance(before, Mapping) and isinstance(now, Mapping):
            lines.append(f"{name}: {_files(before, now)}")
        else:
            lines.append(f"{name} was {before!r}, now {now!r}")
    return lines


def _files(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    kinds = {
        "other content in": [name for name in now if name in before and now[name] != before[name]],
        "missing:": [name for name in before if name not in now],
        "new:": [name for name in now if name not in before],
    }
    return ", ".join(f"{kind} {listed(names, shown=3)}" for kind, names in kinds.items() if names)


def changed_settings(old: Any, new: Any, path: str = "") -> list[str]:
    """The settings that differ, by their dotted names."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = list(dict.fromkeys([*old, *new]))
        return [line for key in keys for line in changed_settings(old.get(key), new.get(key), f"{path}.{key}".lstrip("."))]
    return [] if old == new else [f"{path} was {old!r}, now {new!r}"]
