"""The small ("lite") variant of a checkpoint."""

from __future__ import annotations

from loreweave.checkpoints.fitting import build, fit_state_dict
from loreweave.checkpoints.formats import original_rows as rows
from loreweave.checkpoints.loading import LoadedCheckpoint
from loreweave.corpus.counts import counted
from loreweave.corpus.entity_vocabulary import SPECIAL_ENTITIES
from loreweave.encoding import EntityTokenizer
from loreweave.errors import CheckpointError


def lite(checkpoint: LoadedCheckpoint) -> LoadedCheckpoint:
    """The checkpoint with the special entities only: tasks that use no other entities have the same outputs.

    Raises:
        CheckpointError: there is no entity vocabulary.
    """
    old = checkpoint.vocabulary
    if old is None:
        raise CheckpointError("a lite model needs the entity vocabulary, to know which rows are special")
    new = old.special_only()
    ids = old.to_hugging_face()
    kept = [ids[name] for name in sorted((n for n in SPECIAL_ENTITIES if n in ids), key=new.to_hugging_face().__getitem__)]
    state = {name.removeprefix("luke."): tensor for name, tensor in checkpoint.model.state_dict().items()}
    rows.keep_rows(state, rows.ENTITY_TABLES, kept)
    config = type(checkpoint.model.config).from_dict(checkpoint.model.config.to_dict())
    config.entity_vocab_size = len(new)
    model = build(type(checkpoint.model), config, seed=0)
    report = checkpoint.report
    fit_state_dict(model, state, report.source)
    report.notes.append(f"lite: {len(new)} of {counted(len(old), 'entity row')} kept")
    tokenizer = checkpoint.tokenizer
    if tokenizer is not None:
        tokenizer = EntityTokenizer(
            tokenizer.word_tokenizer,
            new,
            max_mention_length=tokenizer.max_mention_length,
            max_entity_length=tokenizer.max_entity_length,
            max_length=tokenizer.max_length,
            entity_token_1=tokenizer.entity_token_1,
            entity_token_2=tokenizer.entity_token_2,
            piece_rule=tokenizer.piece_rule,
        )
    return LoadedCheckpoint(model, tokenizer, new, checkpoint.format, report)
