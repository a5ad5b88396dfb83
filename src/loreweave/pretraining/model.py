"""One module over encoder and objectives, from a micro-batch to the summed loss of every objective."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import Tensor, nn
from transformers import PreTrainedModel

from loreweave.errors import ConfigurationError
from loreweave.objectives import WINDOWS, Batch, Objective, Tensors, WindowObjective
from loreweave.pretraining.configuration import PretrainingConfig

Sums = dict[str, dict[str, Tensor]]
"""By objective: `loss`, `correct` and other parts, each a sum over the targets of a micro-batch. []"""

ENTITY_TABLE = "luke.entity_embeddings.entity_embeddings.weight"
ENTITY_BIAS = "entity_predictions.bias"


class PretrainingModel(nn.Module):
    """Runs the encoder once and scores every objective on its states, gathered at the targets only.

    Heads of objectives that are not part of the model are in `extra_heads` and saved in checkpoints.
    """

    def __init__(self, model: PreTrainedModel | None, objectives: Sequence[Objective]) -> None:
        super().__init__()
        self.model = model
        self.objectives = list(objectives)
        self._heads = {}
        extra = {}
        for objective in objectives:
            head = objective.head(model)
            self._heads[objective.name] = [head]  # in a list, because modules of the model are already registered there
            if not _is_part(head, model):
                extra[objective.name] = head
            objective.prepare(model)
        self.extra_heads = nn.ModuleDict(extra)

    def head(self, objective: Objective) -> nn.Module:
        """The module that predicts for an objective."""
        return self._heads[objective.name][0]

    def has_new_head(self, objective: Objective, new_modules: Sequence[str]) -> bool:
        """Whether an objective predicts with one of the model's modules that are still random."""
        if self.model is None:
            return False
        new = {module for name in new_modules for module in self.model.get_submodule(name).modules()}
        return not new.isdisjoint(self.head(objective).modules())

    def untrained_heads(self, new_modules: Sequence[str]) -> list[str]:
        """Those of the model's new heads that are random even after training: no objective with a weight has them."""
        if self.model is None:
            return []
        trained = [objective for objective in self.objectives if objective.weight > 0]
        heads = [name for name in new_modules if not name.startswith(f"{self.model.base_model_prefix}.")]
        return [name for name in heads if not any(self.has_new_head(objective, [name]) for objective in trained)]

    def parameters_by_part(self) -> Iterator[tuple[str, nn.Parameter]]:
        """Parameters by name; those of the encoder begin with `encoder.`, whatever its kind."""
        encoder = "" if self.model is None else f"model.{self.model.base_model_prefix}."
        for name, parameter in self.named_parameters():
            yield (f"encoder.{name.removeprefix(encoder)}" if encoder and name.startswith(encoder) else name), parameter

    def forward(self, **batch: Tensors) -> Sums:
        """Sums of every objective over a micro-batch (see `loreweave.objectives.Batch`)."""
        return self.sums(self.objectives, batch)

    def sums(self, objectives: Sequence[Objective], batch: Batch) -> Sums:
        """Sums of some objectives, or of others with the same names and heads, over a micro-batch."""
        encoder = None if self.model is None else self.model.base_model
        states = self._states(encoder, batch[WINDOWS]) if any(isinstance(o, WindowObjective) for o in objectives) else {}
        sums: Sums = {}
        for objective in objectives:
            given = batch[objective.name]
            if isinstance(objective, WindowObjective):
                flat = states[objective.side].flatten(0, 1)  # [batch * positions, hidden]
                given = given | {"states": flat.index_select(0, given["positions"])}
            result = objective.loss(encoder, self.head(objective), given)
            counted = {} if result.correct is None else {"correct": result.correct}
            sums[objective.name] = {"loss": result.total, **counted, **result.parts}
        return sums

    @staticmethod
    def _states(encoder: nn.Module | None, windows: Tensors) -> Tensors:
        """The encoder's last states of the windows: words [batch, words, hidden], entities [batch, entities, hidden]."""
        assert encoder is not None
        output = encoder(**windows)
        states = {"words": output.last_hidden_state}
        entities = getattr(output, "entity_last_hidden_state", None)
        return states if entities is None else states | {"entities": entities}


def _is_part(head: nn.Module, model: PreTrainedModel | None) -> bool:
    """Whether a head is a module of the model, or a sequence of such modules."""
    if model is None:
        return False
    modules = set(model.modules())
    return head in modules or (isinstance(head, nn.Sequential) and set(head) <= modules)


def freeze(module: PretrainingModel, config: PretrainingConfig, new_modules: Sequence[str]) -> None:
    """Select the parameters that are trained.

    The pooler and heads that no objective uses are never trained, and neither are those of objectives without weight: weight
    decay alone would change them. With `trainable="entities"`, only `entity_embeddings.*`, `entity_predictions.*`, the
    objectives' own heads and `new_modules` are trained: heads that the encoder lacks and that would otherwise stay random. A
    word table that such a head shares with the encoder stays frozen: a shared parameter has its first name, the encoder's.

    Raises:
        ConfigurationError: nothing is trained.
    """
    model = module.model
    weighted = [objective for objective in module.objectives if objective.weight > 0]
    for objective in module.objectives:
        if objective not in weighted and objective.name in module.extra_heads:
            module.extra_heads[objective.name].requires_grad_(False)
    if model is None:
        return
    entities = () if config.word_only else ("entity_embeddings.", "entity_predictions.")
    stage_one = (*entities, *(f"{name}." for name in new_modules))
    for name, parameter in model.named_parameters():
        chosen = config.trainable == "all" or any(part in name for part in stage_one)
        parameter.requires_grad_(chosen and "pooler." not in name)
    users = [model.base_model, *(module.head(objective) for objective in weighted)]
    used = {id(parameter) for user in users for parameter in user.parameters()}
    for parameter in model.parameters():
        parameter.requires_grad_(parameter.requires_grad and id(parameter) in used)
    frozen = [ENTITY_TABLE] * config.freeze_entity_embeddings + [ENTITY_BIAS] * (not config.entity_prediction_bias)
    for name, parameter in model.named_parameters():
        if name in frozen:
            parameter.requires_grad_(False)
    if not trained_parameters(module):
        raise ConfigurationError(
            f"trainable: found {config.trainable}, but this model has no entities and no new head to train; use trainable=all"
        )


def trained_parameters(module: nn.Module) -> int:
    """Number of parameters that a run trains."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)
