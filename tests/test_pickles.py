"""Pickles of CIFAR's batches: what is read of them, and that nothing of them is called."""

import os
import pickle
from typing import Any

import numpy as np
import pytest

from archspec.data.pickles import read_pickle

PIXELS = np.arange(24, dtype=np.uint8).reshape(4, 6)


class Calls:
    """Pickled, it is what the function gives for the arguments, with a state where there is one."""

    def __init__(self, function: Any, *arguments: Any, state: Any = None) -> None:
        self.said = function, arguments, state

    def __reduce__(self) -> Any:
        return self.said


@pytest.mark.parametrize("protocol", range(6))
def test_what_batches_hold_is_read_from_every_protocol(protocol: int) -> None:
    held = {
        b"data": PIXELS,
        b"columns": np.asfortranarray(PIXELS),
        b"big": np.arange(3, dtype=">i4"),
        b"labels": [3, 200, 70_000, -1],
        b"numbers": [np.int64(5), np.float32(0.5)],
        b"names": [b"a.png", "b.png"],
        b"label": "training batch 1 of 5",
        b"more": (None, True, 1.5, 2**70, (), {}, []),
    }
    read = read_pickle(pickle.dumps(held, protocol))
    for name in (b"data", b"columns", b"big"):
        assert np.array_equal(read.pop(name), held.pop(name))
    assert read == held


def test_a_batch_of_python_2_is_read() -> None:
    """The instructions are those of CIFAR-10's own files."""
    content = (
        b"\x80\x02}q\x01(U\x0bbatch_labelq\x02U\x15training batch 1 of 5q\x03U\x06labelsq\x04]q\x05"
        b"(K\x06K\x09eU\x04dataq\x06cnumpy.core.multiarray\n_reconstruct\nq\x07cnumpy\nndarray\nq\x08"
        b"K\x00\x85U\x01b\x87Rq\x0b(K\x01K\x02K\x03\x86cnumpy\ndtype\nq\x0cU\x02u1K\x00K\x01\x87R"
        b"q\x0f(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x06\x01\x02\x03\xfe\xff"
        b"\x00tbu."
    )
    read = read_pickle(content)
    assert read[b"batch_label"] == b"training batch 1 of 5"
    assert read[b"labels"] == [6, 9]
    assert read[b"data"].tolist() == [[1, 2, 3], [254, 255, 0]]


@pytest.mark.parametrize(
    "value",
    [
        Calls(os.system, "true"),
        Calls(np.ndarray, (1,), np.dtype("O"), b"A" * 8),
        Calls(np.ndarray, (2**40,), np.dtype("u1")),
        Calls(np.dtype, "O"),
        Calls(np.dtype, [("a", "u1")]),
        Calls(eval, "1"),
        np.array([None, 1]),
        np.array(["text"]),
        np.zeros(2, "M8[s]"),
        np.zeros(2, [("a", "u1")]),
        np.ma.masked_array([1, 2], [True, False]),
        Calls,
    ],
)
@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_nothing_else_is_made(value: Any, protocol: int) -> None:
    with pytest.raises(ValueError, match=r"^it \w+ "):
        read_pickle(pickle.dumps({b"data": value}, protocol))


RECONSTRUCT = np.empty(0).__reduce__()[0]


def forged(shape: Any, kind: Any, content: Any) -> bytes:
    """A pickle of an array whose parts are these."""
    dtype = Calls(np.dtype, kind, state=(3, "|", None, None, None, -1, -1, 0))
    state = (1, shape, dtype, False, content)
    array = Calls(RECONSTRUCT, np.ndarray, (0,), b"b", state=state)
    return pickle.dumps({b"data": array}, 4)


@pytest.mark.parametrize(
    ("shape", "kind", "content"),
    [
        ((2**40,), "u1", b"ab"),
        ((-1, -2), "u1", b"ab"),
        ((3,), "u1", b"ab"),
        ((1.0,), "u1", b"a"),
        ([1], "u1", b"a"),
        ((1,), "O", b"A" * 8),
        ((1,), "V8", b"A" * 8),
        ((1,), "u1", "a"),
        ((1,), "u1", [1]),
        ((2,) * 70, "u1", b"a"),
        ((0,) * 70, "u1", b""),
    ],
)
def test_an_array_is_as_large_as_what_the_file_holds(shape: Any, kind: Any, content: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        read_pickle(forged(shape, kind, content))
    assert read_pickle(forged((2, 1), "u1", b"ab"))[b"data"].tolist() == [[97], [98]]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b".",
        b"}",
        b"\x80\x04N.",
        pytest.param(b"\x80\x04]" + b"]" * 3_000_000 + b".", marks=pytest.mark.slow),
        b"\x80\x04" + b")" + b"\x85" * 100_000 + b"}" + b"(" * 3 + b".",
        b"\x80\x04}(" + b")" + b"\x85" * 200_000 + b"Nu.",  # a deep key
        b"\x80\x04}P0\n.",  # a persistent id
        b"\x80\x04}\x82\x01.",  # the registry of extensions
        b"\x80\x04\x8c\x02os\x8c\x06system\x93)\x81.",  # a new object
        b"\x80\x04ios\nsystem\n.",
        b"\x80\x05}\x97.",  # a buffer from outside
        b"\x80\x04}\x8e" + b"\xff" * 8 + b".",
        b"\x80\x04\x8b\xff\xff\xff\x7f.",
        b"\x80\x04h\x07.",
        b"I" + b"9" * 5000 + b"\n.",
    ],
)
@pytest.mark.thorough
def test_what_no_dataset_holds_is_refused(content: bytes) -> None:
    with pytest.raises((ValueError, LookupError, TypeError)):
        read_pickle(content)


def test_what_refers_to_itself_is_read_and_left_alone() -> None:
    circle: list[Any] = []
    circle.append(circle)
    bomb: Any = b"x"
    for _ in range(60):
        bomb = [bomb, bomb]
    assert read_pickle(pickle.dumps({b"a": circle, b"b": bomb}, 4)).keys() == {b"a", b"b"}
