import json
import re

import numpy as np
from made_attention import made_attention
from packed_rows import codes_of

from loreweave.attention.captured import CLASSES
from loreweave.attention.formats.arrays import from_arrays
from loreweave.attention.packing import unpacked
from loreweave.attention.page_data import FORMAT, page_data
from loreweave.attention.quantization import dequantize, quantize


def parsed(data: str) -> tuple[dict, dict[int, str]]:
    header = re.search(r'<script type="application/json" id="attention-data">(.*?)</script>', data, re.DOTALL)
    assert header is not None
    blocks = re.findall(r'<script type="text/plain" id="block-(\d+)">(.*?)</script>', data)
    return json.loads(header[1]), {int(number): block for number, block in blocks}


def test_the_page_holds_every_layer_in_a_block_of_its_own() -> None:
    example = made_attention()
    header, blocks = parsed(page_data([example], "u8-sqrt", {"view": "grid"}))
    assert header["format"] == FORMAT and header["view"] == {"view": "grid"}
    assert header["models"] == [{"name": "tiny", "layers": 2, "heads": 3, "entity_aware": True}]
    (row,) = header["examples"]
    assert [CLASSES[number] for number in row["queries"]["class"]] == example.queries.classes
    assert row["attention"]["shape"] == [2, 3, 6, 6] and row["entities"][0]["words"] == [1]
    for layer, number in enumerate(row["attention"]["blocks"]):
        found = dequantize(codes_of(blocks[number], row["attention"]["encoding"], (3, 6, 6)), "u8-sqrt")
        assert np.abs(found - example.weights[layer]).max() <= 0.004
    matrix = np.frombuffer(unpacked(blocks[row["relevance"][0]["block"]]), "<f4").reshape(row["relevance"][0]["shape"])
    np.testing.assert_array_equal(matrix, np.eye(6))


def test_two_models_and_two_texts_share_a_page() -> None:
    header, blocks = parsed(page_data([made_attention(), made_attention(id="2"), made_attention(model="other")], "u16"))
    assert [(row["model"], row["id"]) for row in header["examples"]] == [(0, "1"), (0, "2"), (1, "1")]
    assert len(blocks) == 3 * (2 + 1)


def test_no_text_can_leave_its_element() -> None:
    hostile = '</script><img src=x onerror="alert(1)"> & \u2028'
    data = page_data([made_attention(text=hostile, model=hostile)], "u8-sqrt")
    assert data.count("</script>") == 1 + 3 and "<img" not in data and "\u2028" not in data
    assert parsed(data)[0]["examples"][0]["text"] == hostile


def test_weights_of_rows_that_resemble_each_other_are_differences() -> None:
    generator = np.random.default_rng(0)
    common, own = generator.dirichlet(np.ones(32), (2, 3, 1)), generator.dirichlet(np.ones(32), (2, 3, 32))
    weights = (0.98 * common + 0.02 * own).astype(np.float32)
    header, blocks = parsed(page_data([from_arrays(weights, ["a"] * 32)], "u8-sqrt"))
    attention = header["examples"][0]["attention"]
    assert attention["encoding"] == "rows"
    found = codes_of(blocks[attention["blocks"][1]], "rows", (3, 32, 32))
    np.testing.assert_array_equal(found, quantize(weights[1], "u8-sqrt"))
    header, _ = parsed(page_data([from_arrays(own.astype(np.float32), ["a"] * 32)], "u8-sqrt"))
    assert header["examples"][0]["attention"]["encoding"] == "deflate"


def test_exact_weights_are_two_bytes() -> None:
    example = made_attention()
    header, blocks = parsed(page_data([example], "u16"))
    attention = header["examples"][0]["attention"]
    assert attention["encoding"] == "deflate"
    found = np.frombuffer(unpacked(blocks[attention["blocks"][0]]), "<u2").reshape(3, 6, 6)
    np.testing.assert_array_equal(found, quantize(example.weights[0], "u16"))


def test_the_page_knows_what_the_tokens_of_a_decoder_see() -> None:
    even = (np.tril(np.ones((4, 4))) / np.arange(1, 5)[:, None]).astype(np.float32)
    header, _ = parsed(page_data([from_arrays(np.stack([even[None], np.full((1, 4, 4), 0.25)]), list("abcd"))], "u8-sqrt"))
    assert header["examples"][0]["attention"]["reach"] == [[3, 0], [3, 3]]
    header, _ = parsed(page_data([made_attention()], "u8-sqrt"))
    assert header["examples"][0]["attention"]["reach"] is None
