from pathlib import Path

import pytest
from made_attention import made_attention

from loreweave.attention import Explorer, explore
from loreweave.errors import ConfigurationError, DataError


def test_a_text_becomes_a_page(tiny_luke: Path, tiny_bert: Path, tmp_path: Path) -> None:
    page = explore(tiny_luke, "Ann lives in Oslo.", ["Oslo"], entities=["Oslo"], compare=tiny_bert, layers=[1])
    assert [len(example.entities) for example in page.examples] == [1, 0] and page.examples[0].layers == [1]
    assert page.title == "Ann lives in Oslo." and "2 examples" in repr(page)
    path = page.save(tmp_path / "page.html")
    assert "attention-explorer/1" in path.read_text(encoding="utf-8")
    assert page.save(path) == path, "a cell of a notebook is run again"
    with pytest.raises(ConfigurationError, match=r"page.html: the file exists; .*: save\('.*page.html', overwrite=True\)"):
        page.save(path, overwrite=False)
    other = tmp_path / "mine.html"
    other.write_text("<!doctype html>\n<p>mine</p>")
    with pytest.raises(ConfigurationError, match=r"mine.html: the file is not a page of loreweave attention; .*overwrite=True"):
        page.save(other)
    assert other.read_text().endswith("<p>mine</p>")
    page.save(other, overwrite=True)
    assert page.save(other).read_bytes() == path.read_bytes()
    with pytest.raises(ConfigurationError, match="found a folder, expected the name of a page"):
        page.save(tmp_path)


def test_one_model_twice_has_two_names(tiny_bert: Path) -> None:
    names = [example.model for example in explore(tiny_bert, "Ann lives.", compare=tiny_bert).examples]
    assert names == [str(tiny_bert), f"{tiny_bert} (2)"]


def test_a_page_that_is_too_large_names_the_ways_out() -> None:
    with pytest.raises(DataError, match=r"the page would have \d+\.\d MB, expected at most 0.001: choose layers"):
        Explorer([made_attention()], max_mb=0.001).to_html()
    with pytest.raises(DataError, match="found no example"):
        Explorer([])


def test_pages_are_joined_and_cut() -> None:
    page = Explorer([made_attention()], quantization="u16").add(Explorer([made_attention(id="2")]))
    assert [example.id for example in page.examples] == ["1", "2"] and page.quantization == "u16"
    assert page.only(layers=[0], heads=[1]).examples[1].weights.shape[:2] == (1, 1)
