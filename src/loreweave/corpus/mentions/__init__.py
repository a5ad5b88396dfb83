"""Dictionaries of names: which entities a name may mean, and where names are in a text."""
