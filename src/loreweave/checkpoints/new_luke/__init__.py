"""A LUKE made from a plain encoder: its new modules, and the rows of its entities."""
