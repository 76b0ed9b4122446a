"""Read pickles that hold dicts, lists, text, numbers and arrays, without running them.

A pickle is a program: Python's unpickler calls what the file names, with arguments from the file.
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
    """One of `NAMES`: a function or type that a file names."""

    __slots__ = ()


class _Type:
    """A dtype: its kind and size, such as "u1", and its byte order."""

    def __init__(self, code: Any, order: Any = "") -> None:
        code, order = _text(code), _text(order)
        if not re.fullmatch(r"[<>=|]?[buif][1248]", code) or order not in ("", *"<>=|"):
            raise ValueError(f"it holds an array of type {order}{code}, which is no number")
        self.dtype = np.dtype((order or code[:-2]) + code[-2:])


class _Array:
    """An array, which numpy writes as an empty one followed by its contents."""

    held: np.ndarray[Any, Any] | None = None


def read_pickle(content: bytes) -> dict[Any, Any]:
    """Return the dict that a pickle holds; text of Python 2 is bytes.

    Raises `ValueError` or another exception if the pickle is damaged or holds anything else.
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
                _require(list, stack[-1]).extend(several)
            else:
                pairs = zip(map(_check_key, several[::2]), several[1::2], strict=True)
                _require(dict, stack[-1]).update(pairs)
        elif name in TUPLES:
            stack[-TUPLES[name] :] = [tuple(stack[-TUPLES[name] :])]
        elif name == "EMPTY_LIST":
            stack.append([])
        elif name == "EMPTY_DICT":
            stack.append({})
        elif name == "APPEND":
            value = stack.pop()
            _require(list, stack[-1]).append(value)
        elif name == "SETITEM":
            value, key = stack.pop(), stack.pop()
            _require(dict, stack[-1])[_check_key(key)] = value
        elif name == "MEMOIZE":
            memo[len(memo)] = stack[-1]
        elif name == "GLOBAL":
            stack.append(_resolve_name(*argument.split(" ", 1)))
        elif name == "STACK_GLOBAL":
            last, module = stack.pop(), stack.pop()
            stack.append(_resolve_name(_text(module), _text(last)))
        elif name == "REDUCE":
            given = stack.pop()
            stack[-1] = _make(stack[-1], *_require(tuple, given))
        elif name == "BUILD":
            state = stack.pop()
            _fill(stack[-1], *_require(tuple, state))
        elif name == "STOP":
            (value,) = stack
            return {
                key: each.held if isinstance(each, _Array) else each
                for key, each in _require(dict, value).items()
            }
        elif name not in ("PROTO", "FRAME"):
            raise ValueError(f"it has the instruction {name}, which no dataset needs")
    raise ValueError("it has no end")


def _require(kind: type, value: Any) -> Any:
    """Return a value of a type. Raises `ValueError` for another."""
    if type(value) is not kind:
        raise ValueError(
            f"it has a {type(value).__name__.strip('_')} where a {kind.__name__} is needed"
        )
    return value


def _check_key(value: Any) -> Any:
    """Return the key of a dict if it is text or a number.

    Tuples are refused, because hashing them recurses as deep as they are nested.
    """
    if not isinstance(value, str | bytes | int):
        raise ValueError("one of its keys is not text")
    return value


def _text(value: Any) -> str:
    """Return text, which may be bytes of Python 2."""
    return value.decode("latin-1") if isinstance(value, bytes) else str(_require(str, value))


def _resolve_name(module: str, name: str) -> _Name:
    """Return one of `NAMES`. Raises `ValueError` for any other."""
    full_name = f"{module}.{name}".replace("numpy._core", "numpy.core", 1)
    if full_name not in NAMES:
        raise ValueError(f"it asks for {module}.{name}")
    return _Name(full_name)


def _make(name: Any, *given: Any) -> Any:
    """Return what numpy's functions make of the arguments that numpy writes; refuse any others."""
    match _require(_Name, name), given:
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
    raise ValueError(f"it calls {name} with other arguments than numpy does")


def _fill(made: Any, *state: Any) -> None:
    """Set the state that numpy writes of a type or an array.

    For a type it is (version, byte order, ...); for an array (version, shape, type, whether columns
    come first, contents).
    """
    if isinstance(made, _Type) and len(state) > 1:
        made.dtype = _Type(made.dtype.str[-2:], state[1]).dtype
        return
    if isinstance(made, _Array) and len(state) in (4, 5):
        shape, kind, by_columns, content = state[-4:]
        lengths = tuple(_require(int, each) for each in _require(tuple, shape))
        dtype, content = _require(_Type, kind).dtype, _bytes(content)
        if min(lengths, default=0) >= 0 and prod(lengths) * dtype.itemsize == len(content):
            flat = np.frombuffer(content, dtype)
            made.held = flat.reshape(lengths, order="F" if by_columns else "C")
            return
    raise ValueError("it holds an array that numpy would not write")


def _bytes(value: Any) -> bytes:
    """Return bytes, which may be a bytearray."""
    return bytes(value) if isinstance(value, bytearray) else bytes(_require(bytes, value))
