"""The mini-world: sample pages, a knowledge graph and typing examples that were written for this project, and the demo.

The facts are real and their Wikidata ids too; the wording of pages and descriptions is our own.
"""

from loreweave.miniworld.world import GraphPaths, load_graph_paths, load_pages, typing_files

__all__ = ["GraphPaths", "load_graph_paths", "load_pages", "typing_files"]
