"""Search over the settings of runs: `loreweave search`. It needs the extra `search` (Optuna)."""

from loreweave.experiments.search.extra import check_extra

check_extra()
