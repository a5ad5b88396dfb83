"""Runs one pre-training for the tests: `python pretraining_script.py CONFIG.json [--resume] [--interrupt-at STEP]`.

Under torchrun it is one process of several. With `--interrupt-at` it sends itself what Ctrl-C sends.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from pretraining_runs import interrupting

from loreweave.pretraining import run as run_module
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.training.runs.endings import Interrupted
from loreweave.training.settings.configuration import fill


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("config", type=Path)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--interrupt-at", type=int)
    arguments = parser.parse_args()

    if arguments.interrupt_at is not None:
        run_module.StopOnInterrupt = interrupting(arguments.interrupt_at)
    config = fill(PretrainingConfig, json.loads(arguments.config.read_text()))
    try:
        run_module.run(config, resume=arguments.resume)
    except Interrupted:
        print("interrupted")


if __name__ == "__main__":
    main()
