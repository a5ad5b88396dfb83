"""A browser for the pages of the attention explorer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from attention_pages import browser_page


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
