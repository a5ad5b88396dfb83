"""Pre-training: joins objectives over streams of data to the training engine."""
