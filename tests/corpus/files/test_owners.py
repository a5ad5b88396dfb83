"""Whose a file is: processes that live, that have ended, and that are elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from loreweave.corpus.files import owners
from loreweave.corpus.files.owners import Owner


def ended() -> int:
    """The number of a process that has ended."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_this_process_lives_and_its_mark_says_so() -> None:
    owner = Owner.current()
    assert owner.process == os.getpid() and owner.lives() is True
    assert owners.lives(owner.mark()) is True


def test_a_process_that_has_ended_is_dead() -> None:
    owner = replace(Owner.current(), process=ended())
    assert owner.lives() is False and owners.lives(owner.mark()) is False


def test_a_child_that_waits_for_its_parent_is_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.read()  # it has closed its output, and is not waited for
    for _ in range(1000):
        if replace(Owner.current(), process=child.pid, begun=0).lives() is False:
            break
    else:
        pytest.fail("a zombie counts as alive")
    child.wait()


def test_another_process_with_the_same_number_is_another() -> None:
    owner = Owner.current()
    if not owner.begun:
        pytest.skip("this system does not say when a process began")
    assert replace(owner, begun=owner.begun + 1).lives() is False


@pytest.mark.parametrize("mark", ["", "12", "a-b-c", "00000000-1-1"])
def test_nobody_knows_about_other_machines(mark: str) -> None:
    assert owners.lives(mark) is None
    assert replace(Owner.current(), system="elsewhere").lives() is None
