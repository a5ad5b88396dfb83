"""Raw text and dumps become entity vocabularies and pre-training sets; knows nothing of models."""
