"""Settings of tasks that classify marked mentions."""

from __future__ import annotations

from typing import Literal

MentionHead = Literal["auto", "luke", "markers", "kepler"]
"""Heads over mentions, and `auto`, which chooses by the encoder."""
