"""Runs one pre-training for test_run.py: `python pretraining_script.py CONFIG.json [--resume] [--interrupt-at STEP]`.

Under torchrun it is one process of several. With `--interrupt-at` it sends itself what Ctrl-C sends.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
from pathlib import Path
from typing import Any

from loreweave.pretraining import run as run_module
from loreweave.pretraining.configuration import PretrainingConfig
from loreweave.training.runs.interruption import StopOnInterrupt
from loreweave.training.runs.record import Interrupted
from loreweave.training.settings.configuration import fill


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("config", type=Path)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--interrupt-at", type=int)
    arguments = parser.parse_args()

    class InterruptAt(StopOnInterrupt):
        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:
            if state.global_step == arguments.interrupt_at and int(os.environ.get("RANK", "0")) == 0:
                os.kill(os.getpid(), signal.SIGINT)
            return super().on_step_end(args, state, control, **kwargs)

    run_module.StopOnInterrupt = InterruptAt
    config = fill(PretrainingConfig, json.loads(arguments.config.read_text()))
    try:
        run_module.run(config, resume=arguments.resume)
    except Interrupted:
        print("interrupted")


if __name__ == "__main__":
    main()
