"""Input of a pre-training run: pre-training sets, graphs, the model and the heads that it starts from."""

from __future__ import annotations

from pathlib import Path

from loreweave.encoding.model_names import resolve
from loreweave.objectives import objectives
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.training.runs.inputs import hashes_of


def inputs_of(config: PretrainingConfig) -> dict[str, dict[str, str]]:
    """Hashes of all files that the run reads, by the setting that names them.

    The order of a graph's entities and relations, and of a set's windows, is that in their files, so it counts too.
    """
    places = {f"{name} {path}": Path(path) for name in ("data", "dev") for path in getattr(config, name)}
    if config.model is not None:
        places["model"] = resolve(config.model)
    if config.entity_texts is not None:
        places["entity_texts"] = Path(config.entity_texts)
    known = objectives()
    for name, settings in config.objectives.items():
        places |= {f"objectives.{name}.{setting}": place for setting, place in known[name].files(settings).items()}
    return {name: hashes_of(path) for name, path in places.items()}
