"""Knowledge graphs: the records, the folder that stores them, and readers of all published formats."""
