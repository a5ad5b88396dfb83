"""Latent types: which words of a sentence matter, the type of each, and the sentence rebuilt from them.

A checkpoint of latent typing (`loreweave pretrain sparse-lt/pretraining`) does it as it is; `loreweave types` shows it.
"""
