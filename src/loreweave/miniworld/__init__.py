"""The mini-world: sample pages, a knowledge graph and typing examples written for this project, and the demo.

The facts and their Wikidata ids are real; the wording of pages and descriptions is our own.
"""

from loreweave.corpus.bundled_data import typing_files
from loreweave.miniworld.world import GraphPaths, load_graph_paths, load_pages

__all__ = ["GraphPaths", "load_graph_paths", "load_pages", "typing_files"]
