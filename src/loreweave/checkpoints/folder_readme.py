"""README for users of plain transformers, for a folder whose words have no tokenizer with entities there."""

from __future__ import annotations

import transformers
from transformers import PreTrainedModel

from loreweave.encoding import EntityTokenizer
from loreweave.encoding.saving import transformers_class
from loreweave.models.head_settings import unknown_to_transformers

_WITH_ENTITIES = ("LukeTokenizer", "MLukeTokenizer")
_ARGUMENTS = {
    "LukeForEntityClassification": '["Ann lives in Oslo."], [[(13, 17)]], task="entity_classification"',
    "LukeForEntityPairClassification": '["Ann lives in Oslo."], [[(0, 3), (13, 17)]], task="entity_pair_classification"',
    "LukeForEntitySpanClassification": '["Ann lives in Oslo."], [[(0, 3), (13, 17)]], task="entity_span_classification"',
}
_OTHERS = '["Ann lives in Oslo."], [[(0, 3), (13, 17)]]'

_TEXT = """# How to read this model

This LUKE does not have the words of RoBERTa or XLM-R, for which alone transformers has a tokenizer with `entity_spans`.
`EntityTokenizer` of loreweave makes the same inputs for any words, from texts and the characters of their mentions:

```python
from {package} import {model}

from loreweave.encoding import EntityTokenizer

tokenizer = EntityTokenizer.from_pretrained(".")
inputs = tokenizer({arguments})
model = {model}.from_pretrained(".").eval()
outputs = model(**inputs)
```

`.` is this folder. Run the lines in it, or replace `.` by the path of the folder.
"""


def reads_entities(model: PreTrainedModel) -> bool:
    """Whether a fine-tuned LUKE reads the mentions of a text, so that the recipe holds for it."""
    return type(model).__name__ in _ARGUMENTS


def readme_of(model: PreTrainedModel, tokenizer: EntityTokenizer | None) -> str | None:
    """Text of `README.md`; None if transformers has a tokenizer with entities for these words."""
    if tokenizer is None or transformers_class(tokenizer) in _WITH_ENTITIES:
        return None
    name = type(model).__name__
    plain = hasattr(transformers, name) and not unknown_to_transformers(model.config)
    package = "transformers" if plain else "loreweave.models"
    return _TEXT.format(package=package, model=name, arguments=_ARGUMENTS.get(name, _OTHERS))


NOTE = (
    "plain transformers has no tokenizer with entity_spans for these words: README.md in the folder shows how to make "
    "its inputs with EntityTokenizer"
)
