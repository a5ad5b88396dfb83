"""Foreign weight formats, to and from ours."""
