"""Pickles that hold dicts, lists, text, numbers and arrays, read without running what they say.

A pickle is a program: Python's unpickler calls what the file names, with what the file gives it.
Here a closed list of its instructions makes plain values, and arrays of numbers over the file's own
bytes; nothing is called. What is made is bounded by the file's size.
"""

from __future__ import annotations

import pickletools
import re
from math import prod
from typing import Any

import numpy as np

MOST = 2_000_000  # instructions; CIFAR-100 has 400,000
PLAIN = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
    *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
}
TEXTS_OF_PYTHON_2 = {"STRING", "BINSTRING", "SHORT_BINSTRING"}
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
PUTS, GETS = {"PUT", "BINPUT", "LONG_BINPUT"}, {"GET", "BINGET", "LONG_BINGET"}

# What files name: numpy's own way to write arrays, types and single numbers, and how Python 3
# writes bytes for Python 2.
EMPTY = "numpy.core.multiarray._reconstruct"
FROM_BUFFER = "numpy.core.numeric._frombuffer"
NUMBER = "numpy.core.multiarray.scalar"
TYPE = "numpy.dtype"
ENCODE = "_codecs.encode"
NAMES = {EMPTY, FROM_BUFFER, NUMBER, TYPE, ENCODE, "numpy.ndarray"}


class _Name(str):
    """One of `NAMES`: what a file says that it wants called."""

    __slots__ = ()


class _Type:
    """A dtype: its kind and size, such as "u1", and its order of bytes."""

    def __init__(self, code: Any, order: Any = "") -> None:
        code, order = _text(code), _text(order)
        if not re.fullmatch(r"[<>=|]?[buif][1248]", code) or order not in ("", *"<>=|"):
            raise ValueError(f"it holds an array of type {order}{code}, which is no number")
        self.dtype = np.dtype((order or code[:-2]) + code[-2:])


class _Array:
    """An array, which numpy writes as an empty one and then what it holds."""

    held: np.ndarray[Any, Any] | None = None


def read_pickle(content: bytes) -> dict[Any, Any]:
    """Return the dict that a pickle holds; text of Python 2 is bytes.

    Raises `ValueError` or another exception for what is damaged or asks for anything else.
    """
    below: list[list[Any]] = []  # the stacks under each mark
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    argument: Any
    for count, (opcode, argument, _) in enumerate(pickletools.genops(content)):
        if count > MOST:
            raise ValueError(f"it has more than {MOST:,} instructions")
        name = opcode.name
        if name in PUTS:
            memo[int(argument)] = stack[-1]
        elif name in GETS:
            stack.append(memo[int(argument)])
        elif name in PLAIN:
            stack.append(argument)
        elif name in TEXTS_OF_PYTHON_2:
            stack.append(argument.encode("latin-1"))
        elif name in CONSTANTS:
            stack.append(CONSTANTS[name])
        elif name == "MARK":
            below.append(stack)
            stack = []
        elif name in ("APPENDS", "SETITEMS", "TUPLE", "LIST", "DICT"):
            several, stack = stack, below.pop()
            if name in ("LIST", "DICT"):
                stack.append([] if name == "LIST" else {})
            if name == "TUPLE":
                stack.append(tuple(several))
            elif name in ("LIST", "APPENDS"):
                _of(list, stack[-1]).extend(several)
            else:
                pairs = zip(map(_key, several[::2]), several[1::2], strict=True)
                _of(dict, stack[-1]).update(pairs)
        elif name in TUPLES:
            stack[-TUPLES[name] :] = [tuple(stack[-TUPLES[name] :])]
        elif name == "EMPTY_LIST":
            stack.append([])
        elif name == "EMPTY_DICT":
            stack.append({})
        elif name == "APPEND":
            value = stack.pop()
            _of(list, stack[-1]).append(value)
        elif name == "SETITEM":
            value, key = stack.pop(), stack.pop()
            _of(dict, stack[-1])[_key(key)] = value
        elif name == "MEMOIZE":
            memo[len(memo)] = stack[-1]
        elif name == "GLOBAL":
            stack.append(_named(*argument.split(" ", 1)))
        elif name == "STACK_GLOBAL":
            last, module = stack.pop(), stack.pop()
            stack.append(_named(_text(module), _text(last)))
        elif name == "REDUCE":
            given = stack.pop()
            stack[-1] = _made(stack[-1], *_of(tuple, given))
        elif name == "BUILD":
            state = stack.pop()
            _fill(stack[-1], *_of(tuple, state))
        elif name == "STOP":
            (value,) = stack
            return {
                key: each.held if isinstance(each, _Array) else each
                for key, each in _of(dict, value).items()
            }
        elif name not in ("PROTO", "FRAME"):
            raise ValueError(f"it wants {name}, which no dataset needs")
    raise ValueError("it has no end")


def _of(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise ValueError(f"it takes a {type(value).__name__.strip('_')} for a {kind.__name__}")
    return value


def _key(value: Any) -> Any:
    """A key of a dict: text, or a number; tuples, whose hash goes as deep as they do, are none."""
    if not isinstance(value, str | bytes | int):
        raise ValueError("a key of its is no text")
    return value


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(_of(str, value))


def _named(module: str, name: str) -> _Name:
    said = f"{module}.{name}".replace("numpy._core", "numpy.core", 1)
    if said not in NAMES:
        raise ValueError(f"it asks for {module}.{name}")
    return _Name(said)


def _made(name: Any, *given: Any) -> Any:
    """What numpy's functions of these names make of these arguments, and of no others."""
    match _of(_Name, name), given:
        case "numpy.core.multiarray._reconstruct", _:
            return _Array()
        case "numpy.dtype", (code, *_):
            return _Type(code)
        case "numpy.core.multiarray.scalar", (_Type() as kind, content):
            return np.frombuffer(_bytes(content), kind.dtype, 1)[0].item()
        case "numpy.core.numeric._frombuffer", (content, _Type() as kind, shape, order):
            array = _Array()
            _fill(array, 1, shape, kind, order == "F", content)
            return array
        case "_codecs.encode", (str() as text, encoding) if _text(encoding) == "latin1":
            return text.encode("latin-1")
    raise ValueError(f"it calls {name} with something else than numpy gives it")


def _fill(made: Any, *state: Any) -> None:
    """What numpy writes of a type, (version, order of bytes, ...), or of an array: (version, shape,
    type, whether columns come first, content)."""
    if isinstance(made, _Type) and len(state) > 1:
        made.dtype = _Type(made.dtype.str[-2:], state[1]).dtype
        return
    if isinstance(made, _Array) and len(state) in (4, 5):
        shape, kind, by_columns, content = state[-4:]
        lengths = tuple(_of(int, each) for each in _of(tuple, shape))
        dtype, content = _of(_Type, kind).dtype, _bytes(content)
        if min(lengths, default=0) >= 0 and prod(lengths) * dtype.itemsize == len(content):
            flat = np.frombuffer(content, dtype)
            made.held = flat.reshape(lengths, order="F" if by_columns else "C")
            return
    raise ValueError("it holds an array that numpy would not write")


def _bytes(value: Any) -> bytes:
    return bytes(value) if isinstance(value, bytearray) else bytes(_of(bytes, value))
