import json
from pathlib import Path

import pytest
from linking_world import ENTITIES, write
from made_attention import made_attention
from tiny_encoders import TYPING_ROWS

import loreweave
from loreweave.attention.asked import Asked
from loreweave.attention.capture.encoders import TextInput, open_encoder
from loreweave.attention.capture.texts import capture
from loreweave.attention.captured import CapturedAttention
from loreweave.attention.formats.files import write_attention
from loreweave.attention.formats.thesis import write_thesis
from loreweave.attention.sources import captured_attention
from loreweave.errors import ConfigurationError, DataError, LoreweaveError
from loreweave.tasks.registry import load_training
from loreweave.training.settings.configuration import fill


def captured(models: list[str], **asked: object) -> list[CapturedAttention]:
    return list(captured_attention(models, Asked(device="cpu", **asked)))  # type: ignore[arg-type]


def test_every_text_in_every_model(tiny_luke: Path, tiny_bert: Path) -> None:
    found = captured([str(tiny_luke), str(tiny_bert)], texts=["Ann lives in Oslo.", "Oslo is long."], mentions=["Oslo"])
    assert [(each.model, each.id) for each in found] == [
        (str(tiny_luke), "1"), (str(tiny_luke), "2"), (str(tiny_bert), "1"), (str(tiny_bert), "2")
    ]  # fmt: skip
    assert [len(each.entities) for each in found] == [1, 1, 0, 0]


def test_a_checkpoint_that_names_its_task_shows_the_inputs_of_the_task(tiny_luke: Path, tmp_path: Path) -> None:
    data = tmp_path / "train.json"
    data.write_text(json.dumps(TYPING_ROWS), encoding="utf-8")
    run = str(tmp_path / "run")
    loreweave.finetune("entity-typing", str(tiny_luke), train=data, output=run, epochs=1, keep="last", device="cpu")
    (found,) = captured([run], texts=["Ann lives in Oslo."], mentions=["Oslo"])
    assert found.prediction is not None and found.queries.classes.count("marker") == 2
    (encoder,) = captured([run], texts=["Ann lives in Oslo."], mentions=["Oslo"], entities=["[MASK]"])
    assert encoder.prediction is None and "marker" not in encoder.queries.classes
    assert [each.id for each in captured([run], data=data, examples=2)] == [record["id"] for record in _records(data)[:2]]
    with pytest.raises(ConfigurationError, match="--pair with --data: entity-typing makes its inputs itself; leave --pair out"):
        captured([run], data=data, pair="Ann")


def _records(data: Path) -> list[dict[str, str]]:
    from loreweave.tasks.registry import load_task, training_of

    return [{"id": record.id} for record in training_of(load_task("entity-typing")).read(data, None, False).records]


def test_the_first_records_are_said_to_be_the_first(tiny_luke: Path, tmp_path: Path) -> None:
    data = tmp_path / "train.json"
    data.write_text(json.dumps(TYPING_ROWS), encoding="utf-8")
    said: list[str] = []
    count = len(TYPING_ROWS)
    asked = {"data": data, "task": "entity-typing", "report": said.append}
    assert len(captured([str(tiny_luke)], **asked, examples=2)) == 2
    assert said[1:] == [f"{data}: the first 2 of {count} records (--examples takes more)"]
    said.clear()
    assert len(captured([str(tiny_luke)], **asked, examples=None)) == len(captured([str(tiny_luke)], **asked, examples=count))
    assert not any("the first" in line for line in said)


def test_an_encoder_without_a_task_reads_the_records_of_a_file(tiny_luke: Path, tmp_path: Path) -> None:
    long = {"sent": "Ann lives . " * 40, "start": 0, "end": 3, "labels": ["person"]}
    data = tmp_path / "train.json"
    data.write_text(json.dumps([TYPING_ROWS[0], long, TYPING_ROWS[1]]), encoding="utf-8")
    said: list[str] = []
    found = captured([str(tiny_luke)], data=data, task="entity-typing", report=said.append)
    assert [each.text for each in found] == [TYPING_ROWS[0]["sent"], long["sent"], TYPING_ROWS[1]["sent"]]
    assert [[(entity.start, entity.end) for entity in each.entities] for each in found] == [[(0, 3)], [(0, 3)], [(13, 17)]]
    assert [each.cut for each in found] == ["", "read the first 62 of 120 sub-words", ""]
    assert all(each.prediction is None for each in found)
    assert "without a prediction" in said[0]
    assert said[1:] == [f"{tiny_luke}: the text is too long for the model (example 2): read the first 62 of 120 sub-words"]
    with pytest.raises(DataError, match="found the layer 9"):
        captured([str(tiny_luke)], data=data, task="entity-typing", layers=[9])


@pytest.mark.parametrize("encoder", ["tiny_luke", "tiny_bert"])
def test_of_a_text_that_is_too_long_the_beginning_is_read(encoder: str, request: pytest.FixtureRequest) -> None:
    model = str(request.getfixturevalue(encoder))
    said: list[str] = []
    long = "Ann lives . " * 40 + "Oslo is long ."
    found = captured(
        [model], texts=["Oslo is long .", long], places=["notes.txt, line 1", "notes.txt, line 4"],
        mentions=["Oslo"], report=said.append,
    )  # fmt: skip
    assert [each.text for each in found] == ["Oslo is long .", long]
    assert [each.cut for each in found] == ["", "read the first 62 of 124 sub-words"]
    assert [len(each.entities) for each in found] == ([1, 0] if encoder == "tiny_luke" else [0, 0])
    assert said == [
        f"{model}: the text is too long for the model (notes.txt, line 4): read the first 62 of 124 sub-words",
        f"{model}: notes.txt, line 4: mentions that were cut off: 'Oslo' (480-484)",
    ]
    with pytest.raises(DataError, match="found a text of 126 sub-words, and the model reads at most 64: shorten the text"):
        list(capture(open_encoder(model), [TextInput(long)]))
    with pytest.raises(DataError, match="shorten the text"):
        captured([model], texts=[long], pair="a pair is not cut")


def test_a_file_of_a_task_is_read_by_models_that_name_none(tiny_luke: Path, tiny_bert: Path, tmp_path: Path) -> None:
    data = tmp_path / "train.json"
    data.write_text(json.dumps(TYPING_ROWS), encoding="utf-8")
    run, said = str(tmp_path / "run"), list[str]()
    loreweave.finetune("entity-typing", str(tiny_luke), train=data, output=run, epochs=1, keep="last", device="cpu")
    found = captured([run, str(tiny_bert)], data=data, examples=2, report=said.append)
    assert [(each.model, each.prediction is not None) for each in found] == [
        (run, True), (run, True), (str(tiny_bert), False), (str(tiny_bert), False)
    ]  # fmt: skip
    assert sum("the first 2 of" in line for line in said) == 1, "of one file, it is said once"
    with pytest.raises(ConfigurationError, match="give --task NAME"):
        captured([str(tiny_bert), str(tiny_luke)], data=data)


def test_a_packaged_model_is_named_as_it_was_typed(tmp_path: Path) -> None:
    data = tmp_path / "train.json"
    data.write_text(json.dumps(TYPING_ROWS), encoding="utf-8")
    said: list[str] = []
    assert captured(["minilm"], data=data, task="entity-typing", examples=1, layers=[0], report=said.append)
    assert "minilm: " in said[0] and "without a prediction" in said[0] and "site-packages" not in " ".join(said)


def test_a_pair_is_shown_with_the_prediction_of_its_task(tiny_bert: Path, tmp_path: Path) -> None:
    training = load_training("text-classification")
    training.build(str(tiny_bert), ["no", "yes"], fill(training.config, {})).save_pretrained(tmp_path / "model")
    (found,) = captured([str(tmp_path / "model")], texts=["Ann lives in Oslo."], pair="Oslo is long.")
    assert found.text == "Ann lives in Oslo. Oslo is long." and found.sentences == [0] * 7 + [1] * 5
    assert found.prediction is not None and set(found.prediction.labels) == {"no", "yes"}


def test_a_linker_is_shown_while_it_reads_the_text(tiny_luke: Path, tmp_path: Path) -> None:
    training, entities = load_training("entity-linking"), write(tmp_path / "entities.jsonl", ENTITIES)
    config = fill(training.config, {"entities": str(entities), "max_length": 48})
    training.build(str(tiny_luke), ["linked"], config).save_pretrained(tmp_path / "model")
    said: list[str] = []
    (found,) = captured([str(tmp_path / "model")], texts=["Ann lives in Oslo."], mentions=["Oslo"], report=said.append)
    assert found.text == "Ann lives in Oslo." and [entity.label for entity in found.entities] == ["Oslo"]
    assert said == ["entity-linking: other inputs of the encoder than the text are left out, such as descriptions of entities"]


def test_files_are_opened_without_a_model(tmp_path: Path) -> None:
    examples = [made_attention(), made_attention(id="2")]
    write_attention(tmp_path / "captured", examples)
    write_thesis(tmp_path / "thesis.p", examples)
    assert [each.id for each in captured([], captured=tmp_path / "captured", ids=["2"], heads=[1])] == ["2"]
    (found,) = captured([], captured=tmp_path / "thesis.p", ids=["sent_1"], layers=[1])
    assert found.layers == [1]
    with pytest.raises(DataError, match=r"thesis.p: found no example 'sent_7', expected an id of this file"):
        captured([], captured=tmp_path / "thesis.p", ids=["sent_1", "sent_7"])


@pytest.mark.parametrize(
    ("models", "asked", "said"),
    [
        ([], {"texts": ["a"]}, "found no --model"),
        (["minilm"], {}, "give texts, or --data"),
        (["minilm"], {"texts": ["a"], "data": Path("b")}, "give texts, or --data"),
        (["minilm"], {"data": Path("b"), "mentions": ["a"]}, "found --mention with --data"),
        (["minilm"], {"texts": ["a"], "ids": ["1"]}, "found --id with texts"),
        (["minilm"], {"data": Path("b")}, "minilm: found --data, but this model has no task; give --task NAME"),
        (["minilm"], {"texts": ["a"], "task": "ner"}, "found no fine-tuned model of token classification"),
        (["minilm"], {"captured": Path("a")}, "found --from with --model"),
        (["minilm"], {"texts": ["a b"], "mentions": ["a"], "entities": []}, "found 0 --entity and 1 --mention"),
        ([], {"captured": Path("nowhere.p")}, "nowhere.p"),
        (["minilm"], {"texts": ["a"], "examples": 5}, "found --examples with texts, expected it with --data; leave it out"),
        (["minilm"], {"texts": ["a"], "format": "json"}, "found --format with texts, expected it with --data"),
        ([], {"captured": Path("a"), "mentions": ["a"]}, "found --mention with --from, whose attention is captured already"),
        ([], {"captured": Path("a"), "explain": 2}, "found --explain with --from"),
        ([], {"captured": Path("a"), "pair": "b"}, "found --pair with --from"),
    ],
)
def test_options_that_do_not_belong_together_are_named(models: list[str], asked: dict[str, object], said: str) -> None:
    with pytest.raises((LoreweaveError, OSError), match=said):
        captured(models, **asked)
