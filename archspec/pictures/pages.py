"""Where a picture is cut, so that it fills a page, or a slide, and not a strip of paper.

Sizes are about right: what Graphviz will make of a box is not known here, nor the same everywhere.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, combinations, pairwise
from math import log

from archspec import notation
from archspec.graph import Shape
from archspec.pictures.blocks import Block
from archspec.pictures.boxes import abreast
from archspec.pictures.scene import Box, Edge, Frame, Mark, Sight, nest

MOST = 8  # columns
# How much worse a picture is for each cut, for all that it breaks, for blocks that stand below the
# overview and not beside it, and for text that a page shrinks.
CUT, BREAK, BELOW, SHRUNK = 0.1, 0.1, 0.3, 4
DETOUR = 140  # points that a column may be longer so that nothing breaks
LETTER, PADDING, LINE = 6.3, 6, 22  # points that a cell takes for a letter, beside text, for a line
LONG = 195  # points that a box takes before it has two lines
FORK = 25  # points that a fork takes for its second branch, and again for its third

Places = list[list[int]]  # of blocks in a sequence: below an overview, and in columns beside it
Extents = Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Flow:
    """How a picture runs, and about how many points its parts take: first beside the flow, then
    along it.

    shape: height by width that a picture should have. widest: what a page holds of the smallest
        text that is read well. alone, beside, block, named: a box, one that has others beside it, a
        folded block, one that is drawn by itself. frame: what a frame adds. title: what is around a
        block that is drawn by itself. gap, text: between two boxes, and more where a shape is said
        there. heading: width and height of what stands above the picture.
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

    def misfit(self, extents: Extents) -> float:
        """How far columns, or rows, are from the shape that a picture should have and from filling
        it: as logarithms, so that no wider one with the same in it is ever better."""
        beside, along = _side_by_side(extents)
        width, height = (along, beside) if self.across else (beside, along)
        shape = (height + self.heading[1]) / max(width, self.heading[0])
        filled = sum(beside * along for beside, along in extents) / (beside * along)
        return abs(log(shape / self.shape)) - log(filled)

    def shrunk(self, extents: Extents) -> float:
        """By how much text must shrink to fit a page: as a logarithm."""
        return log(max(_side_by_side(extents)[self.across] / self.widest, 1))


# A page with a caption; a slide.
DOWN = Flow(
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
ACROSS = Flow(
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


def flow(across: bool) -> Flow:
    return ACROSS if across else DOWN


def cut(sight: Sight, flow: Flow) -> list[Frame]:
    """The boxes in their frames, in as many columns, or rows, as bring the picture nearest to the
    shape that it should have."""
    return min(_tries(sight, flow), key=lambda each: each[0] + flow.misfit(each[2]))[1]


def spread(overview: Sight, blocks: Sequence[Block], flow: Flow) -> tuple[list[Frame], Places]:
    """An overview in columns, and blocks one below the other: the first ones below its last column,
    if any, and the others in columns beside it, so that the picture comes nearest to the shape that
    it should have."""
    extents = [_extent(block, flow) for block in blocks]
    stacks = [
        (below, stack) for below in range(len(blocks) + 1) for stack in _stacks(extents, below)
    ]
    tries = []
    for cost, frames, columns in _tries(overview, replace(flow, block=flow.named)):
        for below, (places, beside) in stacks:
            foot = _stacked([columns[-1], *extents[:below]])
            every = [*columns[:-1], foot, *beside]
            bad = cost + BELOW * (below > 0) + flow.misfit(every) + SHRUNK * flow.shrunk(every)
            tries.append((bad, frames, [[*range(below)], *places]))
    _, frames, places = min(tries, key=lambda each: each[0])
    return frames, places


def _extent(block: Block, flow: Flow) -> tuple[int, int]:
    """About how large the picture of a block is."""
    lengths = _Inside(block, flow)
    beside, along = lengths.extent(block.sight.boxes)
    branches = min(max(lengths.beside.values()), 3)
    return beside + flow.title[0], along + flow.title[1] + FORK * (branches - 1)


def _tries(sight: Sight, flow: Flow) -> Iterator[tuple[float, list[Frame], Extents]]:
    """A picture in one column, in two, and so on: what its cuts cost, its columns, and how large
    each is."""
    lengths = _Lengths(sight, flow)
    place = {box: place for place, box in enumerate(sight.boxes)}
    boxes = _heads_first(sight)
    tops = [0, *accumulate(lengths.of(boxes).values())]
    breaks = _breaks(boxes, sight.edges)
    for wanted in range(MOST):
        cuts = _cuts(boxes, breaks, tops, wanted)
        ends = pairwise([0, *cuts, len(boxes)])
        parts = [sorted(boxes[start:end], key=place.__getitem__) for start, end in ends]
        cost = sum(CUT + BREAK * breaks[cut] for cut in cuts)
        seen: set[str] = set()
        columns = []
        for part in parts:
            columns.append(nest(part, sight.titles, seen))
            seen.update(path for box in part for path in box.frames)
        yield cost, columns, [*map(lengths.extent, parts)]


def _stacks(extents: Extents, first: int) -> Iterator[tuple[Places, Extents]]:
    """Ways to put blocks of such sizes, from a first one on, into columns, and how large those
    are."""
    lengths = [long for _, long in extents[first:]]
    ends = combinations(range(len(lengths) + 1), 2)
    rooms = {sum(lengths[start:end]) for start, end in ends}
    for room in sorted(room for room in rooms if room >= max(lengths)):
        places = [[first + place for place in column] for column in _filled(lengths, room)]
        yield places, [_stacked([extents[place] for place in column]) for column in places]
    if not lengths:
        yield [], []


def _side_by_side(extents: Extents) -> tuple[int, int]:
    """How large columns are together."""
    return sum(beside for beside, _ in extents), max(along for _, along in extents)


def _stacked(extents: Extents) -> tuple[int, int]:
    """How large a column of them is."""
    return max(beside for beside, _ in extents), sum(along for _, along in extents)


def _filled(heights: Sequence[int], room: int) -> Places:
    columns: Places = []
    left = 0
    for place, height in enumerate(heights):
        if not columns or height > left:
            columns.append([])
            left = room
        columns[-1].append(place)
        left -= height
    return columns


class _Lengths:
    """Of boxes of a picture, by their ranks."""

    def __init__(self, sight: Sight, flow: Flow) -> None:
        self.flow = flow
        self.beside = abreast(sight)
        self.changing = _changing(sight.edges)

    def of(self, boxes: Iterable[Box]) -> dict[int, int]:
        """Along the flow, with the gap that follows and the frames that begin there; in order."""
        longest: Counter[int] = Counter()
        seen: set[str] = set()
        for box in boxes:
            opened = set(box.frames) - seen
            seen |= opened
            length = self._size(box)[1] + self.flow.gap + self.flow.frame[1] * len(opened)
            length += self.flow.text * (box in self.changing and not box.block)  # which says it
            longest[box.rank] = max(longest[box.rank], length)
        return dict(sorted(longest.items()))

    def extent(self, boxes: Sequence[Box]) -> tuple[int, int]:
        """Beside the flow and along it."""
        widths: Counter[int] = Counter()
        for box in boxes:
            widths[box.rank] += self._size(box)[0]
        frames = self.flow.frame[0] * max(len(box.frames) for box in boxes)
        return max(widths.values()) + frames, sum(self.of(boxes).values())

    def _size(self, box: Box) -> tuple[int, int]:
        if box.block:
            return self.flow.block
        return self.flow.alone if self.beside[box.rank] == 1 else self.flow.beside


class _Inside(_Lengths):
    """Of boxes of a block that is drawn by itself, by what they say."""

    def __init__(self, block: Block, flow: Flow) -> None:
        super().__init__(block.sight, flow)
        self.changing = set()  # no shapes are said there
        self.block = block

    def _size(self, box: Box) -> tuple[int, int]:
        """Long boxes, and boxes beside others, take two lines."""
        flow = self.flow
        cells = [round(LETTER * len(text)) + PADDING for text in self._said(box)]
        if flow.across:
            return LINE * len(cells) + flow.gap, max(cells)
        if self.beside[box.rank] == 1 and sum(cells) < LONG:
            return sum(cells) + flow.gap, LINE
        return max(cells[0], sum(cells[1:])) + flow.gap, LINE * min(len(cells), 2)

    def _said(self, box: Box) -> Iterator[str]:
        for node in box.nodes:
            details = notation.details(node, self.block.symbols.get(node.name))
            yield " ".join([notation.title(node), ", ".join(details)])
            if node.op != "Activation" and (activation := notation.activation(node)):
                yield activation


def _changing(edges: Iterable[Edge]) -> set[Box | Mark]:
    """What gives another shape than it takes."""
    taken: dict[Box | Mark, set[Shape]] = defaultdict(set)
    for edge in edges:
        if edge.value.facts:
            taken[edge.head].add(edge.value.facts.shape)
    return {
        edge.tail
        for edge in edges
        if edge.value.facts and taken[edge.tail] - {edge.value.facts.shape}
    }


def _cuts(
    boxes: Sequence[Box], breaks: Mapping[int, int], tops: Sequence[int], wanted: int
) -> list[int]:
    """So many cuts, or fewer, each near an even share and rather where little breaks. tops: how far
    along each rank begins, and where the last one ends."""
    ranks = [*accumulate((box.rank for box in boxes), max)]
    ends = {cut: tops[ranks[cut - 1] + 1] for cut in breaks}
    cuts = set()
    for number in range(1, wanted + 1):

        def cost(cut: int, share: float = tops[-1] * number / (wanted + 1)) -> float:
            return abs(ends[cut] - share) + DETOUR * breaks[cut]

        cuts |= set(sorted(breaks, key=cost)[:1])
    return sorted(cuts)


def _heads_first(sight: Sight) -> list[Box]:
    """The boxes in their order, but what leads to no more than an output of its own at once after
    what it takes, so that cuts are not in its way."""
    place = {box: i for i, box in enumerate(sight.boxes)}
    into: dict[Box, list[Box]] = defaultdict(list)
    for edge in sight.edges:
        if isinstance(edge.tail, Box) and isinstance(edge.head, Box) and not edge.back:
            into[edge.head].append(edge.tail)
    main: set[Box] = set()
    found = [max(sight.boxes, key=lambda box: box.rank)]
    while found:
        box = found.pop()
        if box not in main:
            main.add(box)
            found += into[box]
    after: dict[Box, int] = {}
    for box in sight.boxes:
        own = [place[box]] if box in main or not into[box] else []
        after[box] = max([*own, *(after[tail] for tail in into[box])])
    return sorted(sight.boxes, key=lambda box: (after[box], box not in main, place[box]))


def _breaks(boxes: Sequence[Box], edges: Iterable[Edge]) -> dict[int, int]:
    """Each place between two boxes where one value crosses, and what breaks if a picture is cut
    there: frames around both, and the lines of that value, but for one of them."""
    place = {box: i for i, box in enumerate(boxes)}
    heads: dict[Box, list[Box]] = defaultdict(list)
    for edge in edges:
        if isinstance(edge.tail, Box) and isinstance(edge.head, Box):
            heads[edge.tail].append(edge.head)
            if edge.back:  # it stays in a column
                heads[edge.head].append(edge.tail)
    breaks = {}
    live: list[Box] = []
    for cut in range(1, len(boxes)):
        live = [
            box for box in (*live, boxes[cut - 1]) if any(place[head] >= cut for head in heads[box])
        ]
        if len(live) == 1:
            (tail,) = live
            ways = {
                next((path for path in head.frames if path not in tail.frames), head.name)
                for head in heads[tail]
                if place[head] >= cut
            }
            through = set(boxes[cut - 1].frames) & set(boxes[cut].frames)
            breaks[cut] = len(through) + len(ways) - 1
    return breaks
