"""Environment of a run: versions, the commit of the code, machine and devices."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from loreweave import __version__

_MODULE = "__main__.py"
_PACKAGES = ("torch", "transformers", "tokenizers", "accelerate", "datasets", "numpy", "safetensors")


def environment() -> dict[str, Any]:
    """Versions, git commit of the code, machine and device."""
    import torch

    from loreweave.training.accelerators import product_names

    return {
        "loreweave": __version__,
        "git": _git_commit(),
        "python": platform.python_version(),
        "packages": {name: importlib.metadata.version(name) for name in _PACKAGES},
        "platform": platform.platform(),
        "cpu_count": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "devices": product_names(),
        "processes": int(os.environ.get("WORLD_SIZE", "1")),
    }


def _git_commit() -> dict[str, Any] | None:
    """Commit of the checkout that the code runs from; None for an installed package or without git."""
    here = Path(__file__).parent
    try:
        git = ["git", "-C", str(here)]
        # A package installed inside another repository is not part of that repository.
        subprocess.run([*git, "ls-files", "--error-unmatch", "../../errors.py"], capture_output=True, check=True)
        commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
        changed = subprocess.run([*git, "status", "--porcelain", "-uno"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return {"commit": commit.stdout.strip(), "dirty": bool(changed.stdout.strip())}


def is_command_line(name: str) -> bool:
    """Whether a program of this name is the command `loreweave`; any other is a script or a notebook that uses the package."""
    path = Path(name)
    return path.stem == "loreweave" or (path.name == _MODULE and path.parent.name == "loreweave")


def program(name: str) -> list[str]:
    """The command of the program: a module run with -m has the path of its file as name; torchrun starts several."""
    if Path(name).name != _MODULE:
        return [Path(name).name]
    processes = os.environ.get("LOCAL_WORLD_SIZE", "1")
    launcher = ["python"] if processes == "1" else ["torchrun", "--nproc-per-node", processes]
    return [*launcher, "-m", "loreweave"]
