"""A browser for the pages of the attention explorer, and a small decoder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from attention_pages import browser_page
from transformers import AutoTokenizer, GPT2Config, GPT2Model


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with browser_page() as page:
        yield page


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    browser.problems.clear()
    browser.set_viewport_size({"width": 1280, "height": 900})
    yield browser
    assert browser.problems == []


@pytest.fixture
def tiny_gpt2(tiny_bert: Path, tmp_path: Path) -> Path:
    """A decoder with weights that are far from equal."""
    words = AutoTokenizer.from_pretrained(tiny_bert)
    torch.manual_seed(0)
    config = GPT2Config(vocab_size=len(words), n_embd=16, n_layer=2, n_head=2, initializer_range=0.7)
    GPT2Model(config).save_pretrained(tmp_path / "gpt2")
    words.save_pretrained(tmp_path / "gpt2")
    return tmp_path / "gpt2"
