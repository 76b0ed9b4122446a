"""Where a picture is cut, so that a deep network fills a page and not a strip of paper.

Sizes are about right: what Graphviz will make of a box is not known here, nor the same everywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise

from archspec.backends.parts import Box, Edge, Frame, Sight, nest

# In points. A printed page is so much higher than wide, and so high; a wider one shrinks its text.
PAGE, SHEET, WIDEST = 1.4, 760, 860
# A box that stands alone is so wide and high, one beside others so, and a folded block so; a row of
# text or the top of a frame is so high.
ALONE, BESIDE, BLOCK, TEXT = (200, 32), (125, 44), (200, 84), 20
# In a picture that runs across the page, a box with the text after it is so wide; a block too.
STEP, BLOCK_STEP = 150, 300
TITLE = 60  # points that the title of a block and the gap below it take
MOST = 8  # columns
FRAME_COST = 140  # points that a column may be longer so that a frame stays whole


def cut_columns(sight: Sight) -> list[Frame]:
    """The boxes in their frames, in no more columns than make the picture larger on a page."""
    width, _ = _extent(sight)
    tops = _tops((rank, height) for rank, _, height in _sizes(sight.boxes))
    pages = tops[-1] / width / PAGE  # as wide as one column, that it would take
    fitting = range(1, 1 + (MOST if tops[-1] > SHEET else 1))
    return _cut(sight, tops, max(fitting, key=lambda n: min(1 / n, n / pages)))


def cut_rows(sight: Sight) -> list[Frame]:
    """The boxes in their frames, in as many rows as a page's width asks for."""
    ends = _tops((box.rank, BLOCK_STEP if box.block else STEP) for box in sight.boxes)
    return _cut(sight, ends, -(-ends[-1] // WIDEST))


def stack(sights: Sequence[Sight], beside: Sight) -> list[list[int]]:
    """Blocks one below the other, in columns beside an overview: places in the sequence. They are
    as high as the overview, or higher where the page would be too wide."""
    shapes = [_extent(sight) for sight in sights]
    width, room = _extent(beside)
    while True:
        columns = _filled([height + TITLE for _, height in shapes], room)
        widths = [max(shapes[place][0] for place in column) for column in columns]
        if len(columns) < 2 or width + sum(widths) <= WIDEST:
            return columns
        room += SHEET


def _filled(heights: Sequence[int], room: int) -> list[list[int]]:
    columns: list[list[int]] = []
    left = 0
    for place, height in enumerate(heights):
        if not columns or height > left:
            columns.append([])
            left = room
        columns[-1].append(place)
        left -= height
    return columns


def _extent(sight: Sight) -> tuple[int, int]:
    """Width and height of a column of all boxes."""
    sizes = list(_sizes(sight.boxes))
    width = max(_sums((rank, width) for rank, width, _ in sizes).values())
    return width, _tops((rank, height) for rank, _, height in sizes)[-1]


def _cut(sight: Sight, tops: Sequence[int], wanted: int) -> list[Frame]:
    """Each cut is where a single value crosses, near an even share and rather between frames. tops:
    how far along each rank begins, and where the last one ends."""
    boxes = sight.boxes
    crossing = _crossings(boxes, sight.edges)
    cuts = set()
    for column in range(1, wanted):

        def cost(cut: int, share: float = tops[-1] * column / wanted) -> float:
            inside = set(boxes[cut - 1].frames) & set(boxes[cut].frames)
            return abs(tops[crossing[cut].rank + 1] - share) + FRAME_COST * len(inside)

        cuts |= set(sorted(crossing, key=cost)[:1])
    seen: set[str] = set()
    columns = []
    for start, end in pairwise(sorted({0, *cuts, len(boxes)})):
        columns.append(nest(boxes[start:end], sight.titles, seen))
        seen.update(path for box in boxes[start:end] for path in box.frames)
    return columns


def _sizes(boxes: Sequence[Box]) -> Iterator[tuple[int, int, int]]:
    """Of each box: its rank, width, and height with the text and the frames that begin there."""
    beside = Counter(box.rank for box in boxes)
    seen: set[str] = set()
    for box in boxes:
        opened = set(box.frames) - seen
        seen |= opened
        width, height = BLOCK if box.block else ALONE if beside[box.rank] == 1 else BESIDE
        yield box.rank, width, height + TEXT * (len(opened) + 1)


def _sums(lengths: Iterable[tuple[int, int]]) -> Counter[int]:
    """By rank."""
    sums: Counter[int] = Counter()
    for rank, length in lengths:
        sums[rank] += length
    return sums


def _tops(lengths: Iterable[tuple[int, int]]) -> list[int]:
    """Where each rank begins, of lengths by rank, and where the last one ends."""
    longest: Counter[int] = Counter()
    for rank, length in lengths:
        longest[rank] = max(longest[rank], length)
    return [0, *accumulate(longest[rank] for rank in sorted(longest))]


def _crossings(boxes: Sequence[Box], edges: Iterable[Edge]) -> dict[int, Box]:
    """Each place between two boxes where one value crosses, and the box that it comes from."""
    place = {box: i for i, box in enumerate(boxes)}
    last: dict[Box, int] = {}
    for edge in edges:
        if isinstance(edge.tail, Box) and isinstance(edge.head, Box):
            last[edge.tail] = max(place[edge.head], last.get(edge.tail, 0))
            if edge.back:  # it stays in a column
                last[edge.head] = max(place[edge.tail], last.get(edge.head, 0))
    crossing = {}
    live: list[Box] = []
    for cut in range(1, len(boxes)):
        live = [box for box in (*live, boxes[cut - 1]) if last.get(box, 0) >= cut]
        if len(live) == 1:
            crossing[cut] = live[0]
    return crossing
