"""Find the runs of layers that become blocks: the ones that make the whole shortest to read.

Runs are proposed by the names of their layers (`conv2_block1_1_conv`), by their shape where names
say nothing, and by what is already a block. Each proposal is tried, and the one that shortens the
network most is kept, until none does.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from itertools import combinations
from typing import Any

from msgspec import Struct

from archspec.folding.alignment import compare, count_alike
from archspec.folding.cells import (
    CellRun,
    cut_cell,
    find_cells,
    is_wired,
    list_inputs,
    list_sources,
)
from archspec.folding.cost import count_cost
from archspec.folding.items import (
    BranchesItem,
    Item,
    LayerItem,
    MarkedRun,
    Sequence,
    completes,
    input_channels,
    is_bound,
    list_nodes,
    measure_all,
    name_of,
    shape_of,
    sources_of,
    walk_sequences,
    with_name,
    with_sources,
)
from archspec.folding.loops import find_loops
from archspec.folding.marking import mark, rename, unmark
from archspec.folding.naming import name_block
from archspec.folding.preactivation import hoist
from archspec.folding.solving import Solved, Solver, list_groups, list_returns
from archspec.layers import LAYERS
from archspec.layers.table import traits_of
from archspec.objects.kinds import snake_case

ANY: tuple[str, ...] = ()  # the beginning of the names that Keras gives
LONGEST = 24  # items in a run that is found by its shape
ROUNDS = 60
TRIED = 6  # proposals of one kind that are tried in a round
LEAST_GAIN = 0.5
MORE_PARAMS = 2  # that a block may have when two become one
GATE = "squeeze_excite"  # a block wherever it stands, since readers know it

GIVEN = {snake_case(op) for op in LAYERS}  # the names that Keras gives

Window = tuple[Sequence, int, int]  # a sequence, and the places that begin and end the run


class Proposal(Struct, eq=False):
    """Runs that may be calls of one block. gain: how many lines they may save."""

    gain: float
    windows: list[Window]
    what: Any


def find_blocks(main: Sequence, solver: Solver, outputs: Collection[str]) -> Sequence:
    """Return the network with the runs marked that become blocks.

    outputs: the names of the steps that are outputs.
    """
    search = _BlockSearch(main, solver)
    search.mark_cells(outputs)
    search.run()
    hoisted = hoist(main)
    if hoisted is not None:
        other = _BlockSearch(hoisted, solver)
        other.mark_cells(outputs)
        other.run()
        if not list(list_returns(other.solved.main)) and other.cost < search.cost:
            search = other
    return search.main


def polish(main: Sequence, solver: Solver, count_lines: Callable[[Solved], float]) -> Sequence:
    """Return the network with its blocks joined, widened or left out where its text gets shorter.

    count_lines: the lines of the text, which the search for blocks only estimates.
    """
    search = _BlockSearch(main, solver, count_lines)
    while search._absorb() or search._merge() or search._inline():
        pass
    return search.main


class _BlockSearch:
    def __init__(
        self, main: Sequence, solver: Solver, count_lines: Callable[[Solved], float] | None = None
    ) -> None:
        self.solver = solver
        self.main = main
        self.count_lines = count_lines
        solved = solver.solve(main)
        assert solved is not None
        self.solved = solved
        self.cost = self.measure(solved)
        self.refused: set[Any] = set()

    def run(self) -> None:
        """Mark runs until no more lines are saved: those that names show first, then those with
        branches, then all others."""
        self._mark_gates()
        for propose in (self._by_names, self._by_shape_of_branches, self._by_shape):
            for _ in range(ROUNDS):
                if not (self._mark_runs(propose) or self._absorb()):
                    break
                self._tidy()
            self._tidy()

    def measure(self, solved: Solved) -> float:
        """Return about how many lines a network takes with its loops."""
        if self.count_lines is not None:
            return self.count_lines(solved)
        return count_cost(find_loops(solved, self.solver), solved.defaults)

    def mark_cells(self, outputs: Collection[str]) -> None:
        """Mark runs whose steps refer to each other by names, the largest gain first."""
        for _ in range(ROUNDS):
            proposals = []
            for state, cells in find_cells(self.main, outputs):
                size = measure_all(self.main[cells[0].start : cells[0].end])
                gain = size * (len(cells) - 1) - 4 - 2 * len(cells)
                if _is_double(self.main[cells[0].start : cells[0].end]):
                    continue
                cut = sum(self._begins_late(cell.start) for cell in cells)
                if 2 * cut > len(cells):
                    continue
                if gain > 0 and ("cell", state, len(self.main)) not in self.refused:
                    proposals.append((gain, state, cells))
            proposals.sort(key=lambda each: -each[0])
            for _, state, cells in proposals[:TRIED]:
                if self.accept(_forget_names(self._mark_cells(cells), outputs)):
                    break
                self.refused.add(("cell", state, len(self.main)))
            else:
                return

    def _begins_late(self, start: int) -> bool:
        return start > 0 and completes(self.main[start], self.main[start - 1])

    def _mark_cells(self, cells: list[CellRun]) -> Sequence:
        first = cut_cell(self.main, cells[0])
        taken = [group.block for group in list_groups(self.main)]
        name = name_block(first, taken, len(cells[0].inputs))
        items: list[Item] = []
        place = 0
        for cell in cells:
            items += self.main[place : cell.start]
            inner = cut_cell(self.main, cell)
            alone = len(cell.inputs) == 1
            sources: Any = cell.inputs[0] if alone else list(cell.inputs)
            items.append(
                MarkedRun(
                    block=name,
                    items=inner,
                    channels=input_channels(inner),
                    sources=None if sources == "previous" else sources,
                    name=name_of(self.main[cell.end - 1]),
                )
            )
            place = cell.end
        return (*items, *self.main[place:])

    def accept(self, main: Sequence, least: float = LEAST_GAIN, most: int | None = None) -> bool:
        """Take a network if it is shorter by at least so many lines.

        most: the number of params that its blocks may have.
        """
        solved = self.solver.solve(main)
        if solved is None:
            return False
        if most is not None and any(len(body.params) > most for body in solved.blocks.values()):
            return False
        cost = self.measure(solved)
        if cost > self.cost - least:
            return False
        self.main, self.solved, self.cost = main, solved, cost
        return True

    # --- proposals ---

    def _mark_runs(self, propose: Callable[[], Iterator[Proposal]]) -> bool:
        """Mark the runs of the best proposal, if one of them saves lines."""
        found = [each for each in propose() if each.what not in self.refused]
        found.sort(key=lambda each: -each.gain)
        best: tuple[float, Sequence, Solved] | None = None
        for tried, proposal in enumerate(found):
            if tried >= TRIED and best is not None:
                break
            main = self._mark(proposal.windows)
            solved = self.solver.solve(main)
            cost = None if solved is None else self.measure(solved)
            if solved is None or cost is None or cost > self.cost - LEAST_GAIN:
                self.refused.add(proposal.what)
            elif best is None or cost < best[0]:
                best = cost, main, solved
        if best is None:
            return False
        self.cost, self.main, self.solved = best
        return True

    def _mark(self, windows: list[Window]) -> Sequence:
        items = max((sequence[a:b] for sequence, a, b in windows), key=measure_all)
        name = name_block(items, [group.block for group in list_groups(self.main)])
        starts: dict[int, dict[int, int]] = defaultdict(dict)
        for sequence, start, end in windows:
            starts[id(sequence)][start] = end
        return mark(self.main, starts, name)

    def _by_names(self) -> Iterator[Proposal]:
        """Propose runs whose layers share the beginning of their names, as no neighbour does."""
        found: dict[tuple[str, ...], list[Window]] = defaultdict(list)
        for sequence in walk_sequences(self.main):
            names = [[re.split(r"[_\-./]", name) for name in list_nodes(item)] for item in sequence]
            for depth in range(5):
                for start, end, prefix in _find_prefixes(sequence, names, depth):
                    shape = tuple(map(_leave_out_numbers, prefix))
                    if any("#" in part for part in shape):
                        found[shape].append((sequence, start, end))
        for shape, every in found.items():
            windows = _leave_out_inner(every)
            if len(windows) < 2:
                continue
            for alike in (0.55, 0.8):
                if proposal := _propose_by_names(shape, windows, alike):
                    yield proposal

    def _by_shape(self) -> Iterator[Proposal]:
        """Propose runs of one shape: the same layers and branches, with other arguments."""
        table: dict[tuple[int, ...], list[Window]] = defaultdict(list)
        sequences = list(walk_sequences(self.main))
        for sequence in sequences:
            every = [shape_of(item) for item in sequence]
            for start in range(len(sequence)):
                if is_bound(sequence[start]):
                    continue
                for end in range(start + 1, min(len(sequence), start + LONGEST) + 1):
                    if is_bound(sequence[end - 1]):
                        break
                    table[tuple(every[start:end])].append((sequence, start, end))
                    if name_of(sequence[end - 1]):
                        break  # a name stands for the end of a block
        for shapes, windows in table.items():
            if len(windows) < 2:
                continue
            half = len(shapes) // 2
            if shapes[:half] == shapes[half:] and not _repeats(shapes[:half]):
                windows = [each for each in windows if _is_whole(each, half)]
            elif _repeats(shapes):
                continue
            kept = _leave_out_overlaps(windows)
            if len(kept) < 2 or 2 * sum(map(_cuts_unit, kept)) > len(kept):
                continue
            sequence, start, end = kept[0]
            size = measure_all(sequence[start:end])
            if size < 3 or (end - start == 1 and isinstance(sequence[start], MarkedRun)):
                continue
            gain = size * len(kept) - (size + 3) - 1.3 * len(kept)
            if gain > 0:
                yield Proposal(gain, kept, ("shape", shapes, len(kept)))

    def _by_shape_of_branches(self) -> Iterator[Proposal]:
        """Propose the runs of one shape that have branches: the units of a network."""
        for proposal in self._by_shape():
            sequence, start, end = proposal.windows[0]
            units = list(_list_units(sequence[start:end]))
            if units and not any(compare(*pair) > 0 for pair in combinations(units, 2)):
                yield proposal  # it holds no two units of one kind, such as one that strides

    def _mark_gates(self) -> None:
        """Mark the gates of squeeze-and-excitation, which are blocks wherever they stand."""
        windows = [
            (sequence, place, place + 1)
            for sequence in walk_sequences(self.main)
            for place, item in enumerate(sequence)
            if _is_gate(item)
        ]
        if len(windows) > 1:
            self.accept(self._mark(windows), -100.0)

    # --- changes of blocks ---

    def _tidy(self) -> None:
        changed = True
        while changed:
            changed = self._inline() or self._merge()

    def _inline(self) -> bool:
        """Take away the mark of a block that is called once, or that only calls another."""
        groups: dict[str, list[MarkedRun]] = defaultdict(list)
        for group in list_groups(self.main):
            groups[group.block].append(group)
        for name, runs in groups.items():
            if (name == GATE and len(runs) > 1) or any(map(is_wired, runs)):
                continue
            if runs[0].shipped is not None:
                continue
            only_calls = all(
                len(run.items) == 1 and isinstance(run.items[0], MarkedRun) for run in runs
            )
            least = -100.0 if len(runs) == 1 or only_calls else 0.0
            if self.count_lines is not None:
                least = 0.0
            if self.accept(unmark(self.main, name), least):
                return True
        return False

    def _merge(self) -> bool:
        """Make one block of two that are much alike."""
        runs: dict[str, Sequence] = {}
        inner: dict[str, set[str]] = defaultdict(set)
        for group in list_groups(self.main):
            if group.shipped is not None:
                continue
            items = _split(group.items)
            if group.block not in runs or measure_all(items) > measure_all(runs[group.block]):
                runs[group.block] = items
            inner[group.block] |= {each.block for each in list_groups(group.items)}
        for one, other in _pairs(list(runs)):
            if other in inner[one] or one in inner[other]:
                continue
            if list_inputs(runs[one]) != list_inputs(runs[other]):
                continue
            size = max(measure_all(runs[one]), measure_all(runs[other]))
            if size < 4 or count_alike(runs[one], runs[other]) < 0.6 * size:
                continue
            what = ("merge", one, other, size, len(list(list_groups(self.main))))
            if what in self.refused:
                continue
            known = {*self.solved.blocks[one].params, *self.solved.blocks[other].params}
            if self.accept(rename(self.main, other, one), most=len(known) + MORE_PARAMS):
                return True
            self.refused.add(what)
        return False

    def _absorb(self) -> bool:
        """Mark a run beside a block's call that is the block with steps left out."""
        for sequence in walk_sequences(self.main):
            for place, item in enumerate(sequence):
                if not isinstance(item, MarkedRun) or item.shipped is not None:
                    continue
                whole = _split(item.items)
                size = measure_all(whole)
                for start, end in _list_beside(sequence, place, len(whole)):
                    run = sequence[start:end]
                    own = _split(run)
                    lines = measure_all(own)
                    what = ("absorb", item.block, id(sequence), start, end)
                    if what in self.refused or lines < 0.4 * size:
                        continue
                    if count_alike(whole, own) < lines or not _belong_together(run):
                        continue
                    starts = {id(sequence): {start: end}}
                    most = len(self.solved.blocks[item.block].params) + 1
                    if self.accept(mark(self.main, starts, item.block), most=most):
                        return True
                    self.refused.add(what)
        return False


def _propose_by_names(shape: Any, windows: list[Window], alike: float) -> Proposal | None:
    """Return the runs with names of one form that are much like the largest of them."""
    runs = [sequence[start:end] for sequence, start, end in windows]
    largest = _split(max(runs, key=measure_all))
    size = measure_all(largest)
    kept = [
        window
        for window, run in zip(windows, runs, strict=True)
        if count_alike(largest, _split(run)) >= alike * size
    ]
    if len(kept) < 2 or any(_repeats([shape_of(x) for x in s[a:b]]) for s, a, b in kept):
        return None
    sizes = [measure_all(sequence[start:end]) for sequence, start, end in kept]
    gain = sum(sizes) - max(sizes) - 3 - 1.2 * len(kept)
    return Proposal(1.5 * gain, kept, ("names", shape, len(kept), sum(sizes))) if gain > 0 else None


def _find_prefixes(
    sequence: Sequence, names: list[list[list[str]]], depth: int
) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """Yield runs of at least four lines whose layers share the first parts of their names.

    Layers that have only the names that Keras gives may stand between them.
    """
    prefixes = [_prefix(*each, depth) for each in zip(sequence, names, strict=True)]
    start = 0
    while start < len(sequence):
        prefix = prefixes[start]
        end = place = start + 1
        if prefix:
            while place < len(sequence) and prefixes[place] in (prefix, ANY):
                place += 1
                if prefixes[place - 1] == prefix:
                    end = place
            if measure_all(sequence[start:end]) >= 4:
                yield start, end, prefix
        start = end


def _leave_out_numbers(part: str) -> str:
    """Return a part of a name with # for its numbers, and @ for a letter after one.

    >>> _leave_out_numbers("block12a")
    'block#@'
    """
    return re.sub(r"\d+", "#", re.sub(r"(?<=\d)[a-z]$", "@", part))


def _prefix(item: Item, names: list[list[str]], depth: int) -> tuple[str, ...] | None:
    """Return the first parts of the names of an item's layers, if all have the same; with a depth
    of 0, the first part that is a number, wherever it stands. ANY if Keras gave all of them."""
    if is_bound(item) or name_of(item) or not names:
        return None
    names = [parts for parts in names if not _is_given("_".join(parts))]
    if not names:
        return ANY
    if depth == 0:
        numbers = {next((part for part in parts if part.isdigit()), "") for parts in names}
        return tuple(numbers) if len(numbers) == 1 and numbers != {""} else None
    if any(len(parts) <= depth for parts in names):
        return None
    found = {tuple(parts[:depth]) for parts in names}
    return found.pop() if len(found) == 1 else None


def _repeats(shapes: Any) -> bool:
    """Return whether a run holds a part twice in a row: it is a loop, or cuts one."""
    count = len(shapes)
    return any(
        shapes[i : i + k] == shapes[i + k : i + 2 * k]
        for k in range(1, count // 2 + 1)
        for i in range(count - 2 * k + 1)
    )


def _is_whole(window: Window, half: int) -> bool:
    """Return whether a part that a run has twice comes no third time before or after it."""
    sequence, start, end = window
    shapes = [shape_of(item) for item in sequence[max(0, start - half) : end + half]]
    first = start - max(0, start - half)
    part = shapes[first : first + half]
    return shapes[first + 2 * half :] != part and shapes[:first] != part


def _leave_out_inner(windows: list[Window]) -> list[Window]:
    """Return the runs that lie in no other of the runs."""
    inside = set()
    for sequence, start, end in windows:
        _, *inner = walk_sequences(sequence[start:end])
        inside |= {id(each) for each in inner}
    return [window for window in windows if id(window[0]) not in inside]


def _leave_out_overlaps(windows: list[Window]) -> list[Window]:
    kept: list[Window] = []
    ends: dict[int, int] = {}
    for window in windows:
        sequence, start, end = window
        if ends.get(id(sequence), 0) <= start and not _cuts_run(sequence, start, end):
            kept.append(window)
            ends[id(sequence)] = end
    return kept


def _cuts_run(sequence: Sequence, start: int, end: int) -> bool:
    """Return whether a longer run of equal items begins or ends within the window."""
    if end - start == 1:
        return False
    shapes = [shape_of(item) for item in sequence[max(0, start - 1) : end + 1]]
    before = start > 0 and shapes[0] == shapes[1]
    after = end < len(sequence) and shapes[-1] == shapes[-2]
    return before or after


def _cuts_unit(window: Window) -> bool:
    """Return whether a run begins between a convolution and its normalization or activation, or
    ends between a sum and its activation."""
    sequence, start, end = window
    sums = end < len(sequence) and isinstance(sequence[end - 1], BranchesItem)
    return (start > 0 and completes(sequence[start], sequence[start - 1])) or (
        sums and completes(sequence[end], sequence[end - 1])
    )


def _forget_names(main: Sequence, outputs: Collection[str]) -> Sequence:
    """Return a network without the names that nothing refers to since a cell took the place of
    what did."""
    used = {*outputs}
    for sequence in walk_sequences(main):
        for item in sequence:
            used.update(list_sources(sources_of(item)))
            if isinstance(item, LayerItem) and item.reuses:
                used.add(item.reuses)
    return tuple(item if name_of(item) in used else with_name(item, None) for item in main)


def _is_double(items: Sequence) -> bool:
    """Return whether the first half of a run has the shape of the second."""
    shapes = [shape_of(with_name(with_sources(item, None), None)) for item in items]
    half = len(shapes) // 2
    return shapes[:half] == shapes[half:]


def _split(run: Sequence) -> Sequence:
    """Return the longer of two branches of which one is the identity; the run itself otherwise."""
    if len(run) == 1 and isinstance(run[0], BranchesItem) and len(run[0].paths) == 2:
        paths = [path.items for path in run[0].paths]
        if () in paths:
            return max(paths, key=len)
    return run


def _list_units(items: Sequence) -> Iterator[BranchesItem]:
    """Yield the branches of a run, and of the runs in it that are marked."""
    for item in items:
        if isinstance(item, MarkedRun):
            yield from _list_units(item.items)
        elif isinstance(item, BranchesItem):
            yield item


def _is_gate(item: Item) -> bool:
    if not isinstance(item, BranchesItem) or len(item.paths) != 2:
        return False
    if is_bound(item) or not traits_of(item.merge.op).scales:
        return False
    gate = max((path.items for path in item.paths), key=len)
    pools = gate and isinstance(gate[0], LayerItem) and traits_of(gate[0].op).kind == "pooling"
    return bool(pools) and any(not path.items for path in item.paths)


def _list_beside(sequence: Sequence, place: int, length: int) -> Iterator[tuple[int, int]]:
    """Yield the runs before and after a call that hold no other call, the longest first."""
    for count in range(length + 1, 0, -1):
        for start, end in ((place - count, place), (place + 1, place + 1 + count)):
            if start < 0 or end > len(sequence):
                continue
            run = sequence[start:end]
            if any(isinstance(each, MarkedRun) or is_bound(each) for each in run):
                continue
            if not any(name_of(each) for each in run[:-1]):
                yield start, end


def _belong_together(run: Sequence) -> bool:
    """Return whether the names of layers begin alike, or are only what Keras gives."""
    names = [name for item in run for name in list_nodes(item)]
    alike = len({name[:3] for name in names}) == 1 and len(names[0]) > 2
    return alike or all(map(_is_given, names))


def _is_given(name: str) -> bool:
    return re.sub(r"_\d+$", "", name) in GIVEN


def _pairs(names: list[str]) -> Iterator[tuple[str, str]]:
    for place, one in enumerate(names):
        for other in names[place + 1 :]:
            yield one, other
