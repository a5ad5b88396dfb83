"""LUKE: the encoder, its attention and its heads, with the parameter names of transformers."""
