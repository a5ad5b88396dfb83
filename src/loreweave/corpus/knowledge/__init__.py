"""What is known of linked entities: their types, their relations, and their rows in an entity vocabulary."""
