"""Write names that differ in the numbers of loops, or in Keras's numbers, as one exact pattern.

`*` stands in a pattern where all siblings are meant, and then means what it means under `at` of an
edit. Where only some are meant, their numbers stand in braces, which are for reading alone:

    stage*.unit*.main.conv2d*    every one there
    stage{1..3}.unit0.shortcut   of stages 1, 2 and 3
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from archspec.graph import Graph
from archspec.syntax.edits import translate

# A number of a loop follows a letter at the end of a part; one of Keras follows an underscore.
NUMBERED = re.compile(r"([A-Za-z_].*?)(?<![0-9.])([0-9]+)")
Part = tuple[str, int]  # what stands before the number, and the number; -1 for none
Cover = tuple[tuple[Part, ...], ...]  # at each place of a name, the parts that stand there


class Names(Struct, frozen=True, eq=False):
    """All names of a graph, in parts: of its nodes, and of the groups and blocks around them."""

    by_length: Mapping[int, Sequence[tuple[str, ...]]]

    @classmethod
    def of(cls, graph: Graph) -> Names:
        paths = {region.path for node in graph for region in node.regions}
        found: dict[int, list[tuple[str, ...]]] = defaultdict(list)
        for name in (*graph.by_name, *paths):
            parts = tuple(name.split("."))
            found[len(parts)].append(parts)
        return cls(found)


def stem_of(name: str) -> str:
    """Return a name without the numbers of loops, which stand as `#`, and without Keras's.

    >>> stem_of("stage1.unit0.main.conv2d_1"), stem_of("inception4a.3x3.conv2d")
    ('stage#.unit#.main.conv2d', 'inception4a.3x3.conv2d')
    """
    return ".".join(_stem(split_part(part)) for part in name.split("."))


def split_part(part: str) -> Part:
    """Return what stands before the number at the end of a part, and the number; -1 for none.

    >>> split_part("unit12"), split_part("conv2d_1"), split_part("conv2d"), split_part("3x3")
    (('unit', 12), ('conv2d_', 1), ('conv2d', -1), ('3x3', -1))
    """
    found = NUMBERED.fullmatch(part)
    return (found[1], int(found[2])) if found and str(int(found[2])) == found[2] else (part, -1)


def write_names(names: Iterable[str], known: Names, stars: bool = True) -> list[str]:
    """Return patterns that stand for exactly these names, in the order of their first.

    known: the names of the graph that they are of. stars: whether a star stands for all siblings,
    and not their numbers.
    """
    groups: dict[str, list[tuple[Part, ...]]] = {}
    for name in dict.fromkeys(names):
        groups.setdefault(stem_of(name), []).append(tuple(map(split_part, name.split("."))))
    written: list[str] = []
    for rows in groups.values():
        pattern = _write_whole(rows, known) if stars else None
        if pattern is not None:
            written.append(pattern)
            continue
        for cover in _cover(sorted(rows)):
            written += _write_cover(cover, known if stars else None)
    return written


def _stem(part: Part) -> str:
    stem, number = part
    return f"{stem}#" if number >= 0 and not stem.endswith("_") else stem.rstrip("_")


def _write_whole(rows: Sequence[tuple[Part, ...]], known: Names) -> str | None:
    """Return the one pattern that means these names and no others; None if there is none."""
    places = [tuple(sorted(set(parts))) for parts in zip(*rows, strict=True)]
    texts = [_spell(each[0]) if len(each) == 1 else f"{_find_common(each)}*" for each in places]
    regex = translate(".".join(texts))
    names = {".".join(map(_spell, row)) for row in rows}
    meant = [".".join(each) for each in known.by_length.get(len(places), ())]
    exact = all(each in names for each in meant if regex.fullmatch(each))
    return ".".join(texts) if exact else None


def _cover(rows: Sequence[tuple[Part, ...]]) -> list[Cover]:
    """Return few products of parts that cover the rows, each once."""
    if not rows[0]:
        return [()]
    by_first: dict[Part, list[tuple[Part, ...]]] = {}
    for first, *rest in rows:
        by_first.setdefault(first, []).append(tuple(rest))
    alike: dict[tuple[Cover, ...], list[Part]] = {}
    for first, rests in by_first.items():
        alike.setdefault(tuple(_cover(rests)), []).append(first)
    return [(tuple(firsts), *cover) for covers, firsts in alike.items() for cover in covers]


def _write_cover(cover: Cover, known: Names | None) -> list[str]:
    """Return the patterns of a product, with a star at each place where that means no more of what
    is known; with none if nothing is."""
    stars: list[str | None] = [None] * len(cover)
    for place, parts in enumerate(cover):
        if len(parts) > 1 and known is not None:
            tried = [*stars]
            tried[place] = _find_common(parts)
            if _fits_only(cover, tried, known):
                stars = tried
    texts: list[str] = []
    for parts, star in zip(cover, stars, strict=True):
        pieces = _write_parts(parts) if star is None else [f"{star}*"]
        texts = [f"{text}.{each}" for text in texts for each in pieces] if texts else pieces
    return texts


def _fits_only(cover: Cover, stars: Sequence[str | None], known: Names) -> bool:
    """Return whether a pattern with these stars means nothing but the product."""
    wanted = [{_spell(part) for part in parts} for parts in cover]
    return all(
        all(part in some for part, some in zip(name, wanted, strict=True))
        for name in known.by_length.get(len(cover), ())
        if all(
            part in some if star is None else part.startswith(star)
            for part, some, star in zip(name, wanted, stars, strict=True)
        )
    )


def _find_common(parts: Sequence[Part]) -> str:
    """Return what a pattern has before its star to fit all these parts."""
    has_bare = any(number < 0 for _, number in parts)
    return parts[0][0].rstrip("_") if has_bare else parts[0][0]


def _write_parts(parts: Sequence[Part]) -> list[str]:
    """Return parts that differ in their number alone, with their numbers in braces."""
    bare = [stem for stem, number in parts if number < 0]
    numbers = sorted(number for _, number in parts if number >= 0)
    stem = next((stem for stem, number in parts if number >= 0), "")
    if len(numbers) < 2:
        return [*bare, *(f"{stem}{number}" for number in numbers)]
    return [*bare, f"{stem}{{{','.join(_write_ranges(numbers))}}}"]


def _write_ranges(numbers: Sequence[int]) -> list[str]:
    """Return numbers with runs of three and more as `2..5`.

    >>> _write_ranges([0, 2, 3, 4, 7, 8])
    ['0', '2..4', '7', '8']
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    written: list[str] = []
    for run in runs:
        written += [f"{run[0]}..{run[-1]}"] if len(run) > 2 else map(str, run)
    return written


def _spell(part: Part) -> str:
    stem, number = part
    return stem if number < 0 else f"{stem}{number}"
