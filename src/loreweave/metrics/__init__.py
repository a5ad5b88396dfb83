"""Scorers, each agreeing with its task's official definition; numpy and scipy only."""
