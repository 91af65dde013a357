"""A secret shows itself to nobody who did not ask for it by name."""

import copy
import json
import logging
import pickle
import traceback
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.vault.conftest import api_key
from tradewinds.vault.secret import Secret, without

TEXT = "canary-0123456789-tail"
SECRET = Secret(TEXT)


@pytest.mark.parametrize(
    "show", [repr, str, "{}".format, "{!r:>40}".format, "%s".__mod__], ids=list("rsfpo")
)
def test_it_is_masked_wherever_python_shows_it(show: Callable[[object], str]) -> None:
    for shown in (show(SECRET), show([SECRET]), show({"secret": SECRET}), show((api_key(),))):
        assert "canary" not in shown
        assert "tail" not in shown
        assert "kkkk" not in shown


def test_only_the_last_four_characters_are_for_show() -> None:
    assert SECRET.masked == "****tail"
    assert Secret("short").masked == "****"
    assert Secret("x" * 15).masked == "****"


@pytest.mark.parametrize(
    "write",
    [pickle.dumps, copy.copy, copy.deepcopy, json.dumps, hash, msgspec.json.encode],
    ids=["pickle", "copy", "deepcopy", "json", "hash", "msgspec"],
)
def test_it_goes_nowhere_by_itself(write: Callable[[object], Any]) -> None:
    with pytest.raises(TypeError) as caught:
        write(SECRET)
    assert "canary" not in str(caught.value)
    with pytest.raises(TypeError):
        msgspec.msgpack.encode(api_key())


def test_it_has_no_attributes_to_dump() -> None:
    assert not hasattr(SECRET, "__dict__")


def test_logs_and_tracebacks_stay_clean(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("x").warning("opened %s %r", SECRET, api_key())
    assert "canary" not in caplog.text
    try:
        raise ValueError(SECRET, api_key())
    except ValueError as error:
        whole = traceback.TracebackException.from_exception(error, capture_locals=True)
        told = "".join(whole.format())
    assert "canary" not in told
    assert "kkkk" not in told


def test_equality_is_of_the_text() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"


def test_words_of_others_are_cleaned() -> None:
    assert without(f"bad key {TEXT}!", SECRET, Secret("")) == "bad key ****!"
