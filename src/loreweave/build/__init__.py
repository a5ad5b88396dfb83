"""Entity vocabularies and pre-training sets from raw text and dumps; independent of models."""
