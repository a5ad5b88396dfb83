"""Tiny checkpoints in every published layout, written key by key from one reference model of transformers.

Nothing here uses loreweave: these files stand for those that other programs wrote.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor

WORDS = 261  # 4 special tokens, 256 bytes, <mask>
AT, SHARP, STAR = 4 + ord("@") - 33, 4 + ord("#") - 33, 4 + ord("*") - 33
HIDDEN, LAYERS, HEADS, ENTITY_SIZE, POSITIONS, FFN = 32, 2, 4, 8, 40, 48
TITLES = ["[PAD]", "[UNK]", "[MASK]", "Tokyo", "Kyoto", "Japan"]

LAYER_KEYS = [
    "attention.self.query.weight",
    "attention.self.query.bias",
    "attention.self.key.weight",
    "attention.self.key.bias",
    "attention.self.value.weight",
    "attention.self.value.bias",
    "attention.output.dense.weight",
    "attention.output.dense.bias",
    "attention.output.LayerNorm.weight",
    "attention.output.LayerNorm.bias",
    "intermediate.dense.weight",
    "intermediate.dense.bias",
    "output.dense.weight",
    "output.dense.bias",
    "output.LayerNorm.weight",
    "output.LayerNorm.bias",
]
EMBEDDING_KEYS = [
    "embeddings.word_embeddings.weight",
    "embeddings.position_embeddings.weight",
    "embeddings.token_type_embeddings.weight",
    "embeddings.LayerNorm.weight",
    "embeddings.LayerNorm.bias",
    "entity_embeddings.entity_embeddings.weight",
    "entity_embeddings.entity_embedding_dense.weight",
    "entity_embeddings.position_embeddings.weight",
    "entity_embeddings.token_type_embeddings.weight",
    "entity_embeddings.LayerNorm.weight",
    "entity_embeddings.LayerNorm.bias",
    "pooler.dense.weight",
    "pooler.dense.bias",
]
HEAD_KEYS = [
    "lm_head.dense.weight",
    "lm_head.dense.bias",
    "lm_head.layer_norm.weight",
    "lm_head.layer_norm.bias",
    "lm_head.bias",
    "entity_predictions.transform.dense.weight",
    "entity_predictions.transform.dense.bias",
    "entity_predictions.transform.LayerNorm.weight",
    "entity_predictions.transform.LayerNorm.bias",
    "entity_predictions.bias",
]
EXTRA = ("w2e_query", "e2w_query", "e2e_query")


def config(**changes: Any) -> transformers.LukeConfig:
    values = {
        "vocab_size": WORDS + 2,
        "entity_vocab_size": len(TITLES) + 1,
        "hidden_size": HIDDEN,
        "entity_emb_size": ENTITY_SIZE,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "intermediate_size": FFN,
        "max_position_embeddings": POSITIONS,
        "type_vocab_size": 1,
        "layer_norm_eps": 1e-5,
        "pad_token_id": 1,
        "initializer_range": 0.3,
    }
    return transformers.LukeConfig(**(values | changes))


def reference(cls: type = transformers.LukeForMaskedLM, seed: int = 1, extra_queries: bool = False, **changes: Any) -> Any:
    """A random model of transformers in the state that a conversion of the official archive leaves.

    Marker rows equal those of "@" and "#", [MASK2] equals [MASK], heads are tied, and the extra queries are copies
    unless `extra_queries`.
    """
    torch.manual_seed(seed)
    model = cls(config(**changes)).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(std=0.3)
            if "LayerNorm.weight" in name or "layer_norm.weight" in name:
                parameter.normal_(mean=1, std=0.2)
        words, entities = (
            model.luke.embeddings.word_embeddings.weight,
            model.luke.entity_embeddings.entity_embeddings.weight,
        )
        word_tables, entity_tables = [words], [entities]
        if hasattr(model, "lm_head"):
            model.lm_head.decoder.weight, model.entity_predictions.decoder.weight = words, entities
            model.lm_head.bias = model.lm_head.decoder.bias
            word_tables.append(model.lm_head.bias)
            entity_tables.append(model.entity_predictions.bias)
        for table in word_tables if len(words) == WORDS + 2 else ():
            table[WORDS:] = table[[AT, SHARP]].clone()
        for table in entity_tables if len(entities) == len(TITLES) + 1 else ():
            table[6] = table[2].clone()
        if not extra_queries and model.config.use_entity_aware_attention:
            for layer in model.luke.encoder.layer:
                attention = layer.attention.self
                for extra in EXTRA:
                    getattr(attention, extra).load_state_dict(attention.query.state_dict())
    return model


def inputs() -> dict[str, Tensor]:
    """Two texts, one padded, with two entities and one; the first entity of each is a [MASK]."""
    return {
        "input_ids": torch.tensor([[0, 50, 60, 70, WORDS - 1, 80, 2], [0, 90, 91, 92, 2, 1, 1]]),
        "attention_mask": torch.tensor([[1] * 7, [1] * 5 + [0, 0]]),
        "entity_ids": torch.tensor([[2, 3], [2, 0]]),
        "entity_position_ids": torch.tensor([[[1, 2, -1], [4, -1, -1]], [[1, 2, 3], [-1, -1, -1]]]),
        "entity_attention_mask": torch.tensor([[1, 1], [1, 0]]),
    }


# ---- word tokenizers -----------------------------------------------------------------------------------------------


def byte_characters() -> list[str]:
    """The 256 printable stand-ins of GPT-2's byte alphabet, printable ASCII first ("!" = byte 33 is the first)."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in kept]
    return [chr(byte) for byte in kept] + [chr(256 + place) for place in range(len(others))]


def write_roberta_tokenizer(folder: Path) -> Path:
    """A byte-level BPE without merges, in transformers 4's files."""
    folder.mkdir(parents=True, exist_ok=True)
    tokens = ["<s>", "<pad>", "</s>", "<unk>", *byte_characters(), "<mask>"]
    assert len(tokens) == WORDS and tokens[AT] == "@" and tokens[SHARP] == "#" and tokens[STAR] == "*"
    (folder / "vocab.json").write_text(json.dumps({token: id for id, token in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "RobertaTokenizer", "model_max_length": 38}))
    return folder


BERT_TOKENS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "@",
    "#",
    "*",
    *"abcdefghijklmnop",
    *("##" + c for c in "abcdefgh"),
]


def write_bert_tokenizer(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(BERT_TOKENS) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer", "model_max_length": 40}))
    return folder


# ---- the original repository ---------------------------------------------------------------------------------------


def original_state(model: Any) -> dict[str, Tensor]:
    """State dict of the pre-training model: no prefix, marker and [MASK2] rows or extra queries; tied heads by name."""
    full = model.state_dict()
    state = {key: full[f"luke.{key}"].clone() for key in EMBEDDING_KEYS}
    for layer in range(LAYERS):
        for key in LAYER_KEYS:
            state[f"encoder.layer.{layer}.{key}"] = full[f"luke.encoder.layer.{layer}.{key}"].clone()
    state |= {key: full[key].clone() for key in HEAD_KEYS if key in full}
    state["embeddings.word_embeddings.weight"] = state["embeddings.word_embeddings.weight"][:WORDS]
    state["entity_embeddings.entity_embeddings.weight"] = state["entity_embeddings.entity_embeddings.weight"][: len(TITLES)]
    if "lm_head.bias" in state:
        state["lm_head.bias"] = state["lm_head.bias"][:WORDS]
        state["entity_predictions.bias"] = state["entity_predictions.bias"][: len(TITLES)]
        state["lm_head.decoder.weight"] = state["embeddings.word_embeddings.weight"]
        state["lm_head.decoder.bias"] = state["lm_head.bias"]
        state["entity_predictions.decoder.weight"] = state["entity_embeddings.entity_embeddings.weight"]
    state["embeddings.position_ids"] = torch.arange(POSITIONS)[None]
    return {name: tensor.clone() for name, tensor in state.items()}


def metadata(**changes: Any) -> dict[str, Any]:
    model_config = {
        "attention_probs_dropout_prob": 0.1,
        "bert_model_name": "roberta-tiny",
        "cls_entity_prediction": False,
        "do_sample": False,
        "entity_emb_size": ENTITY_SIZE,
        "entity_vocab_size": len(TITLES),
        "finetuning_task": None,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "hidden_size": HIDDEN,
        "initializer_range": 0.02,
        "intermediate_size": FFN,
        "is_decoder": False,
        "layer_norm_eps": 1e-05,
        "max_position_embeddings": POSITIONS,
        "num_attention_heads": HEADS,
        "num_hidden_layers": LAYERS,
        "pad_token_id": 1,
        "type_vocab_size": 1,
        "vocab_size": WORDS,
    } | changes
    model_config = {name: value for name, value in model_config.items() if value is not ...}
    return {"max_entity_length": 128, "max_mention_length": 30, "max_seq_length": 512, "model_config": model_config}


def write_tsv(folder: Path, titles: list[str] = TITLES) -> None:
    (folder / "entity_vocab.tsv").write_text("".join(f"{title}\t{0 if title[0] == '[' else 9}\n" for title in titles))


def write_jsonl(folder: Path, titles: list[str] = TITLES, languages: tuple[str | None, ...] = (None,)) -> None:
    rows = (
        {"id": id, "entities": [[title, language] for language in languages], "count": 0} for id, title in enumerate(titles)
    )
    (folder / "entity_vocab.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def write_original(folder: Path, model: Any, vocabulary: str = "tsv", **changes: Any) -> Path:
    """A folder as an unpacked `luke_base_500k.tar.gz`."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(original_state(model), folder / "pytorch_model.bin")
    (folder / "metadata.json").write_text(json.dumps(metadata(**changes)))
    (write_tsv if vocabulary == "tsv" else write_jsonl)(folder)
    return folder


def write_disambiguation(folder: Path) -> tuple[Path, Any, Tensor]:
    """A folder of an entity disambiguation model, the reference as a LUKE with shifted positions, and the [MASK] vector."""
    write_bert_tokenizer(folder)
    luke = reference(
        pad_token_id=0,
        vocab_size=len(BERT_TOKENS),
        entity_vocab_size=6,
        use_entity_aware_attention=False,
        bert_model_name="bert-base-uncased",
    )
    state = {n: t.clone() for n, t in luke.state_dict().items() if not n.startswith("lm_head")}
    state["luke.embeddings.position_embeddings.weight"] = state["luke.embeddings.position_embeddings.weight"][1:].clone()
    name = "luke.entity_embeddings.position_embeddings.weight"
    state[name] = state[name][:-1].clone()
    mask = torch.randn(ENTITY_SIZE)
    state["luke.entity_embeddings.mask_embedding"] = mask
    torch.save(state, folder / "pytorch_model.bin")
    config = json.loads(luke.config.to_json_string(use_diff=False))
    config |= {"architectures": ["LukeForEntityDisambiguation"], "max_position_embeddings": 39}
    (folder / "config.json").write_text(json.dumps(config))
    write_jsonl(folder)
    with torch.no_grad():
        luke.luke.entity_embeddings.entity_embeddings.weight[2] = mask
    return folder, luke, mask


# ---- Hugging Face --------------------------------------------------------------------------------------------------


def write_v4_folder(folder: Path, model: Any, tied: bool = False) -> Path:
    """A folder as transformers 4 saved it: `pytorch_model.bin` without tied decoders unless `tied`, v4 tokenizer files."""
    write_roberta_tokenizer(folder)
    values = json.loads(model.config.to_json_string(use_diff=False))
    values |= {"architectures": [type(model).__name__], "torch_dtype": "float32", "transformers_version": "4.6.0.dev0"}
    values |= {"bert_model_name": "models/luke-tiny", "cls_entity_prediction": False, "gradient_checkpointing": False}
    values |= {"position_embedding_type": "absolute", "use_cache": True}
    values.pop("dtype", None)
    (folder / "config.json").write_text(json.dumps(values))
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    for key in () if tied else ("lm_head.decoder.weight", "lm_head.decoder.bias", "entity_predictions.decoder.weight"):
        state.pop(key, None)
    state["luke.embeddings.position_ids"] = torch.arange(POSITIONS)[None]
    torch.save(state, folder / "pytorch_model.bin")
    (folder / "entity_vocab.json").write_text(json.dumps({title: id for id, title in enumerate([*TITLES, "[MASK2]"])}))
    markers = [
        {
            "content": content,
            "lstrip": False,
            "normalized": True,
            "rstrip": False,
            "single_word": False,
            "__type": "AddedToken",
        }
        for content in ("<ent>", "<ent2>")
    ]
    tokenizer_config = {
        "tokenizer_class": "LukeTokenizer",
        "entity_token_1": markers[0],
        "entity_token_2": markers[1],
        "additional_special_tokens": ["<ent>", "<ent2>"],
        "entity_unk_token": "[UNK]",
        "entity_pad_token": "[PAD]",
        "entity_mask_token": "[MASK]",
        "entity_mask2_token": "[MASK2]",
        "task": None,
        "max_entity_length": 32,
        "max_mention_length": 30,
        "model_max_length": 38,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer_config))
    (folder / "added_tokens.json").write_text(json.dumps({"<ent>": WORDS, "<ent2>": WORDS + 1}))
    (folder / "special_tokens_map.json").write_text(json.dumps({"additional_special_tokens": ["<ent>", "<ent2>"]}))
    return folder


# ---- PaddleNLP -----------------------------------------------------------------------------------------------------

_TRANSPOSED = ("query.weight", "key.weight", "value.weight", "dense.weight", "classifier.weight", "qa_outputs.weight")


def paddle_arrays(model: Any) -> dict[str, Any]:
    """NumPy arrays as PaddleNLP names and orients them."""
    arrays: dict[str, Any] = {}
    for name, tensor in model.state_dict().items():
        array = tensor.numpy().copy()
        if name in ("lm_head.decoder.bias", "entity_predictions.decoder.weight"):
            continue
        if name.endswith(_TRANSPOSED) or name.endswith("entity_embedding_dense.weight"):
            array = array.T.copy()
        paddle = name.replace("LayerNorm", "layer_norm")
        paddle = {"lm_head.decoder.weight": "lm_head.decoder_weight", "lm_head.bias": "lm_head.decoder_bias"}.get(name, paddle)
        if name == "entity_predictions.bias":
            paddle = "entity_predictions.decoder.bias"
            arrays["entity_predictions.decoder.weight"] = (
                model.state_dict()["luke.entity_embeddings.entity_embeddings.weight"].numpy().T.copy()
            )
        arrays[paddle] = array
    return arrays


# ---- comparing -----------------------------------------------------------------------------------------------------


def assert_same(ours: Any, reference: Any, *names: str, **more: Tensor) -> None:
    """Both models give the same outputs (all named ones) for `inputs()`, to 1e-5 relative to the largest number."""
    batch = inputs() | more
    with torch.no_grad():
        found, wanted = ours(**batch), reference(**batch)
    for name in names:
        tolerance = 1e-5 * (1 + wanted[name].abs().max().item())
        difference = (found[name] - wanted[name]).abs().max().item()
        assert difference <= tolerance, f"{name} differs by {difference}"


MASKED_LM = ("logits", "entity_logits")
