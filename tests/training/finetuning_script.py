"""Runs the toy task for test_finetuning.py: `finetuning_script.py FOLDER [KEY=VALUE ...]`; torchrun starts several."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from loreweave.training.devices import close_process_group
from loreweave.training.finetuning import finetune
from loreweave.training.runs.record import RunRecord
from loreweave.training.settings.configuration import fill, to_dict
from loreweave.training.settings.finetuning import FinetuningConfig

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))

from toy_finetuning import CONFIG, toy_job  # noqa: E402


def main() -> None:
    folder, *overrides = sys.argv[1:]
    config = fill(FinetuningConfig, to_dict(CONFIG), overrides)
    is_writer = os.environ.get("RANK", "0") == "0"
    record = RunRecord.create(folder, "finetuning", to_dict(config), is_writer=is_writer)
    job = toy_job()
    job.built.model.dropout.p = 0.0
    finetune(job, config, record)
    close_process_group()


if __name__ == "__main__":
    main()
