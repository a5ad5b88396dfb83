"""Ends of a run that are no errors: the user interrupts it, or a search prunes it."""

from __future__ import annotations

from loreweave.errors import LoreweaveError


class Interrupted(KeyboardInterrupt):
    """The user stopped the run; a checkpoint is kept, and the message tells how to resume.

    As any KeyboardInterrupt, it is no Exception: a loop over runs that goes on after errors ends with it.
    """


class Pruned(LoreweaveError):
    """A search stopped the run, because it is worse than others after the same number of epochs."""
