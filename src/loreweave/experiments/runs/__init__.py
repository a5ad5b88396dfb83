"""Recorded runs: reading, listing and repeating them."""
