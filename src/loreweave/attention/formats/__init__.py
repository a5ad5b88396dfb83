"""Attention that is stored, or that other programs have captured: one module for each format."""
