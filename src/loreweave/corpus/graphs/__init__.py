"""Knowledge graphs: the records, the folder that holds them, and readers of every published format."""
