"""Plan pictures of a graph: what is shown, in columns, and the way of each line.

plan_picture(graph, view).columns[0].parts  ->  (Box(stem), Frame(stage0), ...)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from archspec.differences.changes import ChangedGraph
from archspec.graph import Graph
from archspec.pictures.blocks import DistinctBlock, find_blocks
from archspec.pictures.boxes import (
    View,
    build_full_scene,
    build_scene,
    collapse_frames,
    count_side_by_side,
)
from archspec.pictures.order import find_lanes, order_edges, order_parts
from archspec.pictures.pages import (
    Arrangement,
    arrange_overview,
    choose_format,
    cut_into_columns,
    is_strip,
)
from archspec.pictures.routes import (
    PlacedMark,
    Routes,
    bend_skips,
    connect_columns,
    label_edges,
    list_parts,
    put_marks,
)
from archspec.pictures.scene import Box, Edge, Frame, Mark, Scene, nest_boxes
from archspec.pictures.ways import find_ways


class Picture(Struct, frozen=True, dict=True):
    """A scene that is laid out.

    columns: left to right; rows, downwards, if the picture runs `across` the page. edges: those
    between boxes and marks in the columns. breadths: how many boxes, and lines that pass boxes, are
    side by side at each rank. parts: all boxes and marks in the columns by name.
    """

    scene: Scene
    columns: tuple[Frame, ...]
    edges: tuple[Edge, ...]
    breadths: Mapping[int, int]
    across: bool

    @cached_property
    def parts(self) -> Mapping[str, Box | Mark]:
        """All boxes and marks in the columns by name."""
        parts = {part.name: part for column in self.columns for part in list_parts(column)}
        return MappingProxyType(parts)

    @property
    def graph(self) -> Graph:
        return self.scene.graph

    def last_parts(self) -> list[Box | Mark]:
        """Return the parts of the last column that no edge leaves."""
        tails = {edge.tail for edge in self.edges}
        return [part for part in list_parts(self.columns[-1]) if part.name not in tails]


def plan_picture(graph: Graph | ChangedGraph, view: View, across: bool = False) -> Picture:
    """Return the picture of a network on a page."""
    scene = find_ways(build_scene(graph, view), across)
    while is_strip(scene) and view.depth is None:
        view = replace(view, readable=len(scene.boxes) - 1)
        folded = find_ways(build_scene(graph, view), across)
        if not folded.has_ways_up or len(folded.boxes) == len(scene.boxes):
            break
        scene = folded
    across = across and not scene.has_ways_up
    return _plan(scene, cut_into_columns(scene, choose_format(across)), across)


def plan_in_one_column(graph: Graph | ChangedGraph, view: View, across: bool = False) -> Picture:
    """Return the picture of a network that is drawn beside others."""
    scene = find_ways(build_scene(graph, view))
    return _plan(scene, [nest_boxes(scene.boxes, scene.titles)], across)


def plan_overview(
    graph: Graph, fold: bool, across: bool = False
) -> tuple[Picture, list[tuple[DistinctBlock, Picture]], Arrangement]:
    """Return an overview with each block as a box, a picture of each distinct block, and where they
    go.

    The last says which blocks are below the last column of the overview, and in each column beside
    it. Without blocks the overview is the usual picture. fold: whether repeats are drawn once.
    """
    whole = build_full_scene(graph, fold)
    blocks = find_blocks(whole)
    if not blocks:
        return plan_picture(graph, View(fold=fold), across), [], [[]]
    scene = collapse_frames(whole, {path for block in blocks for path in block.uses})
    scene = find_ways(scene, across)
    across = across and not scene.has_ways_up
    columns, arrangement = arrange_overview(scene, blocks, choose_format(across))
    inside = [(block, _plan_block(block, across)) for block in blocks]
    return _plan(scene, columns, across), inside, arrangement


def _plan(scene: Scene, columns: Sequence[Frame], across: bool) -> Picture:
    """Return the picture of a scene in columns, with shapes between its boxes."""
    routes = connect_columns(columns, scene, across, {})
    routes = label_edges(columns, routes, scene, scene.edges)
    return _finish(scene, columns, routes, across)


def _plan_block(block: DistinctBlock, across: bool) -> Picture:
    """Return the picture of a block from its inputs to its outputs.

    It has no shapes between its boxes, because each use has others.
    """
    scene = block.scene
    columns = [nest_boxes(scene.boxes, scene.titles)]
    ends = {mark.name: mark for mark in scene.marks}
    tails = dict.fromkeys(edge.tail for edge in scene.edges if edge.tail in ends)
    heads = dict.fromkeys(edge.head for edge in scene.edges if edge.head in ends)
    marks = [*(PlacedMark(ends[name], 0, first=True) for name in reversed(tails))]
    marks += [PlacedMark(ends[name], 0) for name in heads]
    routes = connect_columns(columns, scene, across, block.symbols, marks)
    return _finish(scene, columns, label_edges(columns, routes, scene, ()), across)


def _finish(scene: Scene, columns: Sequence[Frame], routes: Routes, across: bool) -> Picture:
    """Return the picture with the bends of skip connections, and with all marks in their frames."""
    edges, marks = bend_skips(columns, routes, scene)
    by_frame: dict[tuple[int, str], list[PlacedMark]] = defaultdict(list)
    for each in marks:
        path = each.mark.frames[-1] if each.mark.frames else ""
        by_frame[each.column, path].append(each)
    lanes = find_lanes(scene, edges)
    placed = tuple(
        order_parts(put_marks(column, by_frame, index), lanes)
        for index, column in enumerate(columns)
    )
    ordered = tuple(order_edges(edges, lanes))
    return Picture(scene, placed, ordered, count_side_by_side(scene), across)
