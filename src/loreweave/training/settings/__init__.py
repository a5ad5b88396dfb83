"""Typed settings, recipes, and the text that documents each setting."""
