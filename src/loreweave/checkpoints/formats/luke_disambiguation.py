"""Entity disambiguation models of the original repository: `LukeForEntityDisambiguation`.

The model has BERT's embeddings, LUKE's encoder, an entity head, no masked-word head, and a separate vector for `[MASK]`
entities. It becomes a LukeForMaskedLM: that vector is the table's `[MASK]` row, which is not a candidate of any
mention, so the scores of all candidates stay the same. This format is only read.
"""

from __future__ import annotations

from pathlib import Path

from loreweave.checkpoints.fitting import build, fit_state_dict
from loreweave.checkpoints.formats import original_rows as rows
from loreweave.checkpoints.formats.hugging_face import read_config
from loreweave.checkpoints.formats.original_layout import add_mask2_row, shift_positions
from loreweave.checkpoints.inference import config_from, said_in
from loreweave.checkpoints.loading import DEFAULTS, LoadedCheckpoint, LoadOptions, LoadReport
from loreweave.checkpoints.tensor_files import read_tensors, weight_file_in
from loreweave.checkpoints.word_tokenizers import add_marker_rows, find_word_tokenizer
from loreweave.corpus.entity_vocabulary import EntityVocabulary
from loreweave.encoding import EntityTokenizer
from loreweave.errors import CheckpointError, DataError
from loreweave.models import LukeForMaskedLM

NAME = "luke-disambiguation"

_MASK = "entity_embeddings.mask_embedding"


def recognises(path: Path) -> bool:
    """Whether it is a folder whose configuration names `LukeForEntityDisambiguation`."""
    return "LukeForEntityDisambiguation" in (read_config(path).get("architectures") or []) and weight_file_in(path) is not None


def load(path: Path, options: LoadOptions = DEFAULTS) -> LoadedCheckpoint:
    """Load as LukeForMaskedLM (or `options.cls`) with ordinary attention; the masked-word head is new."""
    report = LoadReport(NAME, str(path))
    state = {name.removeprefix("luke."): tensor for name, tensor in read_tensors(path).items()}
    if _MASK not in state:
        raise CheckpointError(f"{path}: found no {_MASK}, expected an entity disambiguation model")
    said = said_in(path) or {}
    try:
        vocabulary = EntityVocabulary.load(path)
    except DataError as error:
        raise CheckpointError(f"{path}: {error}; it determines the entity row of [MASK]") from None
    entities = state[rows.ENTITIES].clone()
    entities[vocabulary.mask_id] = state.pop(_MASK).flatten()
    state[rows.ENTITIES] = state["entity_predictions.decoder.weight"] = entities
    report.notes.append("the [MASK] entity's own vector became row [MASK] of the table; candidates' scores do not change")
    shift_positions(state, said, report)
    tokenizer = find_word_tokenizer(options.base, said, report, beside=path)
    if tokenizer is not None:
        add_marker_rows(state, tokenizer, report)
    full = add_mask2_row(state, vocabulary, path, report)
    assert full is not None
    config = config_from(
        state,
        said,
        path,
        report,
        base_model_type="bert",
        use_entity_aware_attention=bool(options.entity_aware_attention),
    )
    model = build(options.cls or LukeForMaskedLM, config, options.seed)
    fit_state_dict(model, state, path, report)
    return LoadedCheckpoint(model, EntityTokenizer(tokenizer, full) if tokenizer else None, full, NAME, report)
