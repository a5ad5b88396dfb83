"""The former place of `loreweave.encoding.model_names`."""

from loreweave.encoding.model_names import on_this_machine as model_path

__all__ = ["model_path"]
