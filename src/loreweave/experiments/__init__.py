"""Comparisons of encoders and of runs."""
