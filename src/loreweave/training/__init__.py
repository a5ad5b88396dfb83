"""The engine: configuration, recipes, optimizers, run records and the thin Trainer subclasses."""
