"""The folder of a run: record, checkpoints, lock, inputs, predictions, environment."""
