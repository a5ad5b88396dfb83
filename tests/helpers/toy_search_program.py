"""`python` for the processes of a search whose trials train nothing: `-m loreweave` is run with toy trials, all else as it is.

A trial begins with a pause, so that a test can end its process meanwhile.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

PAUSE_VARIABLE = "TOY_SEARCH_PAUSE"


def program(folder: Path) -> str:
    """A program to use as `sys.executable`."""
    path = folder / "python"
    path.write_text(f'#!/bin/sh\nTOY_PROGRAM="$0" exec "{sys.executable}" "{Path(__file__).resolve()}" "$@"\n')
    path.chmod(0o755)
    return str(path)


def _main() -> int:
    if sys.argv[1:3] != ["-m", "loreweave"]:
        os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
    sys.executable = os.environ["TOY_PROGRAM"]  # the processes that it starts are toys, too
    import pytest
    from toy_search import use_toy

    from loreweave.cli.main import main

    use_toy(pytest.MonkeyPatch(), before=lambda folder: time.sleep(float(os.environ.get(PAUSE_VARIABLE, "0"))))
    return main(sys.argv[3:])


if __name__ == "__main__":
    sys.exit(_main())
