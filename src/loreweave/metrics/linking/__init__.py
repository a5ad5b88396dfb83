"""Scorers of entity linking: accuracy of given mentions, strong matching (GERBIL), cases and errors (ELEVANT)."""
