"""Scorers, each agreeing with its task's official definition; numpy only."""
