"""Figures of the tables of a summary, for print."""
