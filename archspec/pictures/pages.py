"""Cut a picture into columns, so that it fills a page or a slide and not a strip of paper.

Sizes are estimates: those that Graphviz gives to boxes are not known here, nor the same everywhere.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, combinations, pairwise
from math import log

from msgspec import Struct
from msgspec.structs import replace

from archspec.graph import Shape
from archspec.pictures.blocks import DistinctBlock
from archspec.pictures.boxes import count_side_by_side
from archspec.pictures.cells import (
    Symbols,
    arrange_cells,
    measure_rows,
    measure_title,
    wrap_use,
    wrap_words,
)
from archspec.pictures.scene import Box, Edge, Frame, Scene, nest_boxes
from archspec.pictures.ways import has_exchange, split_ways

MOST = 8  # columns that are tried
# How much worse a picture is for each cut, for each frame or line that it breaks, for blocks below
# the overview instead of beside it, and for text that a page shrinks.
CUT, BREAK, BELOW, SHRUNK = 0.1, 0.1, 0.3, 4
DETOUR = 140  # points that a column may be longer so that nothing breaks
FORK = 25  # points of a fork for its second branch, and again for its third

LONG, STRIP = 900, 2  # points, and height by width, of a strip of paper

# Indices of blocks: of those below an overview, then of those in each column beside it.
Arrangement = list[list[int]]
Extents = Sequence[tuple[int, int]]


class PageFormat(Struct, frozen=True):
    """The shape of a page or slide, and the approximate size in points of the parts of a picture.

    Sizes are pairs: across the direction in which the picture runs, then along it.

    across: whether the picture runs from left to right.
    shape: the height by width that a picture should have.
    widest: the width on which the smallest text can still be read, after scaling to the page.
    alone, beside, block, named: a box, one that has others beside it, a folded block, one that is
        drawn by itself.
    frame: what a frame adds.
    title: what is around a block that is drawn by itself.
    gap, text: the space between two boxes, and more where a shape is written in it.
    heading: the width and height of the heading above the picture.
    """

    across: bool
    shape: float
    widest: int
    alone: tuple[int, int]
    beside: tuple[int, int]
    block: tuple[int, int]
    named: tuple[int, int]
    frame: tuple[int, int]
    title: tuple[int, int]
    gap: int
    text: int
    heading: tuple[int, int] = (330, 90)

    def measure_misfit(self, extents: Extents) -> float:
        """Return how far columns, or rows, are from the wanted shape and from filling it.

        Both are logarithms, so that a wider picture with the same contents is never better.
        """
        beside, along = _join_columns(extents)
        width, height = (along, beside) if self.across else (beside, along)
        shape = (height + self.heading[1]) / max(width, self.heading[0])
        filled = sum(beside * along for beside, along in extents) / (beside * along)
        return abs(log(shape / self.shape)) - log(filled)

    def measure_shrinking(self, extents: Extents) -> float:
        """Return the logarithm of the factor by which text must shrink to fit a page."""
        return log(max(_join_columns(extents)[self.across] / self.widest, 1))


# DOWN is for a page with a caption, ACROSS for a slide.
DOWN = PageFormat(
    across=False,
    shape=1.3,
    widest=860,
    alone=(170, 21),
    beside=(118, 46),
    block=(200, 80),
    named=(145, 65),
    frame=(10, 40),
    title=(28, 90),
    gap=10,
    text=24,
)
ACROSS = PageFormat(
    across=True,
    shape=9 / 16,
    widest=1600,
    alone=(50, 70),
    beside=(58, 70),
    block=(90, 190),
    named=(65, 145),
    frame=(40, 20),
    title=(50, 80),
    gap=18,
    text=45,
)


def choose_format(across: bool) -> PageFormat:
    """Return the format of a slide for a picture that runs across, else that of a page."""
    return ACROSS if across else DOWN


def is_strip(scene: Scene) -> bool:
    """Return whether a network that goes down and up, which is not cut, is a strip of paper."""
    if not scene.has_ways_up:
        return False
    beside, along = _TextSizes(scene, DOWN, {}).measure_ways()
    return along > max(LONG, STRIP * beside)


def cut_into_columns(scene: Scene, page: PageFormat) -> list[Frame]:
    """Return the boxes in frames, in the number of columns, or rows, that fits the page best."""

    def rate(each: tuple[float, list[Frame], Extents]) -> float:
        return each[0] + page.measure_misfit(each[2])

    best = min(_try_columns(scene, page), key=rate)
    # A strip is worse than a cut through two lines, but not than one through an exchange.
    if page.measure_misfit(best[2]) > log(STRIP) and not has_exchange(scene):
        best = min(best, *_try_columns(scene, page, most=2), key=rate)
    return best[1]


def arrange_overview(
    overview: Scene, blocks: Sequence[DistinctBlock], page: PageFormat
) -> tuple[list[Frame], Arrangement]:
    """Return an overview in columns, and the blocks below its last column and in each one beside
    it.

    Of all ways that are tried, it is the one that fits the page best.
    """
    extents = [_measure_block(block, page) for block in blocks]
    stacks = [
        (below, stack) for below in range(len(blocks) + 1) for stack in _try_stacks(extents, below)
    ]
    tries = []
    named = _measure_named(blocks, page)
    for cost, frames, columns in _try_columns(overview, replace(page, block=named)):
        for below, (arrangement, beside) in stacks:
            foot = _join_rows([columns[-1], *extents[:below]])
            every = [*columns[:-1], foot, *beside]
            bad = cost + BELOW * (below > 0) + page.measure_misfit(every)
            bad += SHRUNK * page.measure_shrinking(every)
            tries.append((bad, frames, [[*range(below)], *arrangement]))
    _, frames, arrangement = min(tries, key=lambda each: each[0])
    return frames, arrangement


def _measure_named(blocks: Sequence[DistinctBlock], page: PageFormat) -> tuple[int, int]:
    """Return the approximate size of a block in an overview, by what its uses say."""
    lines = [line for block in blocks for use in block.uses.values() for line in wrap_use(use)]
    letters = max(map(len, lines), default=0)
    beside, along = page.named
    wide = measure_title(letters)
    return (beside, max(along, wide)) if page.across else (max(beside, wide), along)


def _measure_block(block: DistinctBlock, page: PageFormat) -> tuple[int, int]:
    """Return the approximate size of the picture of a block."""
    sizes = _TextSizes(block.scene, page, block.symbols)
    sizes.changing = set()  # a block by itself has no shapes
    beside, along = sizes.measure(block.scene.boxes)
    branches = min(max(sizes.breadths.values()), 3)
    names = wrap_words(next(iter(block.uses.values())))
    title = measure_title(len(block.title)) + measure_title(max(map(len, names), default=0))
    beside, along = (beside, max(along, title)) if page.across else (max(beside, title), along)
    return beside + page.title[0], along + page.title[1] + FORK * (branches - 1)


def _try_columns(
    scene: Scene, page: PageFormat, most: int = 1
) -> Iterator[tuple[float, list[Frame], Extents]]:
    """Yield the cost, the columns and their sizes for a picture in one column, two, and so on.

    most: how many values may cross from a column to the next.
    """
    sizes = _Sizes(scene, page)
    index = {box.name: index for index, box in enumerate(scene.boxes)}
    boxes = _put_heads_first(scene)
    tops = [0, *accumulate(sizes.measure_ranks(boxes).values())]
    breaks = _count_breaks(boxes, scene.edges, most)
    for wanted in range(1 if scene.has_ways_up else MOST):  # which stand side by side already
        cuts = _choose_cuts(boxes, breaks, tops, wanted)
        ends = pairwise([0, *cuts, len(boxes)])
        parts = [sorted(boxes[start:end], key=lambda box: index[box.name]) for start, end in ends]
        cost = sum(CUT + BREAK * breaks[cut] for cut in cuts)
        seen: set[str] = set()
        columns = []
        for part in parts:
            columns.append(nest_boxes(part, scene.titles, seen))
            seen.update(path for box in part for path in box.frames)
        yield cost, columns, [*map(sizes.measure, parts)]


def _try_stacks(extents: Extents, first: int) -> Iterator[tuple[Arrangement, Extents]]:
    """Yield ways to put the blocks from `first` on into columns, with the sizes of the columns."""
    lengths = [long for _, long in extents[first:]]
    ends = combinations(range(len(lengths) + 1), 2)
    rooms = {sum(lengths[start:end]) for start, end in ends}
    for room in sorted(room for room in rooms if room >= max(lengths)):
        arrangement = [
            [first + index for index in column] for column in _fill_columns(lengths, room)
        ]
        yield (
            arrangement,
            [_join_rows([extents[index] for index in column]) for column in arrangement],
        )
    if not lengths:
        yield [], []


def _join_columns(extents: Extents) -> tuple[int, int]:
    """Return the size of columns side by side."""
    return sum(beside for beside, _ in extents), max(along for _, along in extents)


def _join_rows(extents: Extents) -> tuple[int, int]:
    """Return the size of parts one below the other."""
    return max(beside for beside, _ in extents), sum(along for _, along in extents)


def _fill_columns(heights: Sequence[int], room: int) -> Arrangement:
    """Return parts of some heights, in order, in as few columns of a height as hold them."""
    columns: Arrangement = []
    left = 0
    for index, height in enumerate(heights):
        if not columns or height > left:
            columns.append([])
            left = room
        columns[-1].append(index)
        left -= height
    return columns


class _Sizes:
    """Estimates how large the boxes of a picture are, in points."""

    def __init__(self, scene: Scene, page: PageFormat) -> None:
        self.scene = scene
        self.page = page
        self.breadths = count_side_by_side(scene)
        self.changing = _find_changing(scene.edges)

    def measure_ranks(self, boxes: Iterable[Box]) -> dict[int, int]:
        """Return the length of each rank along the picture.

        It includes the gap after the rank, and the titles of the frames that begin there.
        """
        longest: Counter[int] = Counter()
        seen: set[str] = set()
        for box in boxes:
            opened = set(box.frames) - seen
            seen |= opened
            length = self._measure_box(box)[1] + self.page.gap + self.page.frame[1] * len(opened)
            if box.name in self.changing and not box.block:  # whose label has its shape
                length += self.page.text
            longest[box.rank] = max(longest[box.rank], length)
        return dict(sorted(longest.items()))

    def measure(self, boxes: Sequence[Box]) -> tuple[int, int]:
        """Return the size of some boxes together."""
        widths: Counter[int] = Counter()
        for box in boxes:
            widths[box.rank] += self._measure_box(box)[0]
        frames = self.page.frame[0] * max(len(box.frames) for box in boxes)
        return max(widths.values()) + frames, sum(self.measure_ranks(boxes).values())

    def _measure_box(self, box: Box) -> tuple[int, int]:
        if box.block:
            return self.page.block
        return self.page.alone if self.breadths[box.rank] == 1 else self.page.beside


class _TextSizes(_Sizes):
    """Estimates how large boxes are from their text."""

    def __init__(self, scene: Scene, page: PageFormat, symbols: Symbols) -> None:
        super().__init__(scene, page)
        self.rows = arrange_cells(scene, symbols, page.across)

    def measure_ways(self) -> tuple[int, int]:
        """Return the size of what goes down with what goes up beside it."""
        return _join_columns([self.measure(way) for way in split_ways(self.scene) if way])

    def _measure_box(self, box: Box) -> tuple[int, int]:
        if box.block:
            return self.page.block
        width, height = measure_rows(self.rows[box.name])
        beside, along = (height, width) if self.page.across else (width, height)
        return beside + self.page.gap, along


def _find_changing(edges: Iterable[Edge]) -> set[str]:
    """Return the names of the parts whose output has another shape than an input."""
    taken: dict[str, set[Shape]] = defaultdict(set)
    for edge in edges:
        if edge.value.facts:
            taken[edge.head].add(edge.value.facts.shape)
    return {
        edge.tail
        for edge in edges
        if edge.value.facts and taken[edge.tail] - {edge.value.facts.shape}
    }


def _choose_cuts(
    boxes: Sequence[Box], breaks: Mapping[int, int], tops: Sequence[int], wanted: int
) -> list[int]:
    """Return at most `wanted` cuts, each near an even share and preferably where little breaks.

    tops: how far along each rank begins, and where the last one ends.
    """
    ranks = [*accumulate((box.rank for box in boxes), max)]
    ends = {cut: tops[ranks[cut - 1] + 1] for cut in breaks}
    cuts = set()
    for number in range(1, wanted + 1):

        def cost(cut: int, share: float = tops[-1] * number / (wanted + 1)) -> float:
            return abs(ends[cut] - share) + DETOUR * breaks[cut]

        cuts |= set(sorted(breaks, key=cost)[:1])
    return sorted(cuts)


def _put_heads_first(scene: Scene) -> list[Box]:
    """Return the boxes in order, but those that lead only to an own output right after their
    inputs.

    So they are in the way of no cut.
    """
    index = {box.name: i for i, box in enumerate(scene.boxes)}
    into: dict[str, list[str]] = defaultdict(list)
    for edge in scene.edges:
        if edge.head in index and not edge.back:
            into[edge.head].append(edge.tail)
    main: set[str] = set()
    found = [max(scene.boxes, key=lambda box: box.rank).name]
    while found:
        name = found.pop()
        if name not in main:
            main.add(name)
            found += into[name]
    after: dict[str, int] = {}
    for name in index:
        own = [index[name]] if name in main or not into[name] else []
        after[name] = max([*own, *(after[tail] for tail in into[name])])
    order = sorted(index, key=lambda name: (after[name], name not in main, index[name]))
    return [scene.boxes[index[name]] for name in order]


def _count_breaks(boxes: Sequence[Box], edges: Iterable[Edge], most: int) -> dict[int, int]:
    """Return the positions where few values cross, each with how much a cut there would break.

    A cut breaks the frames on both sides of it, and the lines of those values, but for one. most:
    how many values.
    """
    index = {box.name: i for i, box in enumerate(boxes)}
    heads: dict[str, list[str]] = defaultdict(list)
    for edge in edges:
        if edge.head in index:
            heads[edge.tail].append(edge.head)
            if edge.back:  # both ends must be in one column
                heads[edge.head].append(edge.tail)
    breaks = {}
    live: list[Box] = []
    for cut in range(1, len(boxes)):
        live = [
            box
            for box in (*live, boxes[cut - 1])
            if any(index[head] >= cut for head in heads[box.name])
        ]
        if 0 < len(live) <= most:
            ways = {
                (tail.name, next((path for path in head.frames if path not in tail.frames), name))
                for tail in live
                for name in heads[tail.name]
                if index[name] >= cut
                for head in [boxes[index[name]]]
            }
            through = set(boxes[cut - 1].frames) & set(boxes[cut].frames)
            breaks[cut] = len(through) + len(ways) - 1
    return breaks
