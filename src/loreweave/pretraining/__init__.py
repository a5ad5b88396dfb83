"""Pre-training: runs objectives over streams of data with the training engine."""
