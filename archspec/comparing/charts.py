"""The picture of a comparison: how networks learn, and what their accuracy costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import hypot, inf, isfinite, log10, sqrt
from pathlib import Path
from statistics import fmean

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator
from matplotlib.transforms import Bbox

from archspec import notation
from archspec.comparing.table import Comparison, Row, called, spread
from archspec.training.lettering import as_written

# Colours that stay apart for the colour-blind (Okabe and Ito), and markers that do in grey.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
MARKERS = "osD^vP*X"
DPI = 120
SMALL, LARGE = 50, 400  # areas of points
ROOM = 1.8  # the factor by which a panel goes beyond its outermost points
# Where a label may stand about its point: the way it goes, and how far beyond the point's edge.
PLACES = [
    (x, y, far)
    for far in (3, 14, 28)
    for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1))
]


@dataclass(frozen=True, slots=True)
class Point:
    """A network in a panel: what it costs, what it gives and by how much that varies. alike: under
    the conditions of most, without which it is of no front."""

    name: str
    cost: float
    value: float
    deviation: float
    area: float
    colour: str
    marker: str
    alike: bool


def front(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The (cost, value) that no other betters in one without being worse in the other, by cost."""
    best: list[tuple[float, float]] = []
    for cost, value in sorted(set(points), key=lambda each: (each[0], -each[1])):
        if not best or value > best[-1][1]:
            best.append((cost, value))
    return best


@as_written
def chart(it: Comparison, path: Path) -> None:
    """Write the picture, in the format of its suffix."""
    drawn(it).savefig(path, dpi=DPI)


def drawn(it: Comparison) -> Figure:
    """Curves by epoch, and what is measured against training time and against parameters, each with
    its Pareto front. It needs a row that has a value."""
    rows = [row for row in it.rows if row.value is not None]
    looks = {
        row.name: (COLOURS[place % 8], MARKERS[(place + place // 8) % 8])
        for place, row in enumerate(rows)
    }
    figure = Figure(figsize=(17, 5.6), dpi=DPI, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    figure.suptitle(f"{it.usual['data']}, {it.usual['images']}; {it.usual['trained']}")
    left, *others = figure.subplots(1, 3)
    _curves(left, rows, looks)
    timed = _points(rows, looks, lambda row: row.seconds, dict.fromkeys(looks, 2 * SMALL))
    sized = _points(rows, looks, lambda row: row.graph.total_params, _areas(rows))
    panels = list(zip(others, (timed, sized), strict=True))
    for axes, points in panels:
        _scatter(axes, points, it.measured)
    others[0].set(xlabel="training time in seconds")
    others[1].set(xlabel="parameters (larger points: more MACs)")
    others[1].xaxis.set_major_formatter(FuncFormatter(lambda value, at: _count(value)))
    _legend(figure, rows)
    figure.draw_without_rendering()  # panels are in their place, and labels can be put in theirs
    for axes, points in panels:
        _label(axes, points, canvas)
    return figure


# --- curves --------------------------------------------------------------------------------------


def _curves(axes: Axes, rows: Sequence[Row], looks: Mapping[str, tuple[str, str]]) -> None:
    """The mean over the seeds and a band of one standard deviation, as long as all of them ran."""
    for row in rows:
        together = list(zip(*(each.curve for each in row.results), strict=False))
        epochs = range(1, len(together) + 1)
        means = [fmean(each) for each in together]
        colour, marker = looks[row.name]
        shown = marker if len(together) < 25 else None
        axes.plot(epochs, means, color=colour, marker=shown, markersize=5, label=called(row))
        if len(row.results) > 1:
            spreads = [spread(each) for each in together]
            low = [mean - each for mean, each in zip(means, spreads, strict=True)]
            high = [mean + each for mean, each in zip(means, spreads, strict=True)]
            axes.fill_between(epochs, low, high, color=colour, alpha=0.2, linewidth=0)
    first = rows[0].results[0]
    part = "validation" if "validation" in first.facts["data"]["images"] else "training"
    axes.set(xlabel="epoch", ylabel=f"{part} {first.measure}")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)


def _legend(figure: Figure, rows: Sequence[Row]) -> None:
    """Below all panels, in as many columns as go beside each other."""
    known: dict[str, Artist] = {}
    for axes in figure.axes:
        handles, labels = axes.get_legend_handles_labels()
        known |= dict(zip(labels, handles, strict=True))
    across = max(1, 200 // (max(map(len, known)) + 8))
    figure.legend(
        known.values(),
        known.keys(),
        loc="outside lower center",
        ncols=min(across, len(known)),
        title="* not the same conditions" if any(row.differs for row in rows) else None,
        frameon=False,
    )


# --- costs ---------------------------------------------------------------------------------------


def _areas(rows: Sequence[Row]) -> dict[str, float]:
    """Areas of points: between SMALL and LARGE by the logarithm of the MACs."""
    logs = {row.name: log10(row.graph.macs) for row in rows if row.graph.macs}
    least = min(logs.values(), default=0.0)
    span = max(logs.values(), default=0.0) - least or 1.0
    return {
        row.name: SMALL + (LARGE - SMALL) * (logs.get(row.name, least) - least) / span
        for row in rows
    }


def _points(
    rows: Sequence[Row],
    looks: Mapping[str, tuple[str, str]],
    cost: Callable[[Row], float | None],
    areas: Mapping[str, float],
) -> list[Point]:
    """Those that have a place: a value, and a cost that a logarithm can be taken of."""
    return [
        Point(
            called(row),
            known,
            row.value,
            row.deviation or 0.0,
            areas[row.name],
            *looks[row.name],
            alike=not row.differs,
        )
        for row in rows
        if 0 < (known := cost(row) or 0) < inf and row.value is not None and isfinite(row.value)
    ]


def _scatter(axes: Axes, points: Sequence[Point], measured: str) -> None:
    axes.set(xscale="log", ylabel=measured)
    axes.grid(alpha=0.3)
    axes.margins(y=0.15)
    if not points:
        return
    costs = [point.cost for point in points]
    low, high = min(costs) / ROOM, max(costs) * ROOM
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low < 100 else (1,)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, at: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    best = _front(points)
    for point in sorted(points, key=lambda each: -each.area):  # small ones lie on large ones
        if point.deviation:
            axes.errorbar(point.cost, point.value, point.deviation, color=point.colour, capsize=3)
        of_front = point.alike and (point.cost, point.value) in best
        axes.scatter(
            [point.cost],
            [point.value],
            s=point.area,
            color=point.colour,
            marker=point.marker,
            edgecolors="black" if of_front else "none",
            linewidths=1.5,
            alpha=0.85,
            zorder=3,
        )
    # Beyond its last member a front goes on to the edge: more cost gives no more.
    steps = [*best, *((high, value) for _, value in best[-1:])]
    axes.step(
        [cost for cost, _ in steps],
        [value for _, value in steps],
        where="post",
        color="black",
        linewidth=1,
        linestyle="--",
        label="Pareto front (its members outlined)",
    )


def _front(points: Sequence[Point]) -> list[tuple[float, float]]:
    return front([(point.cost, point.value) for point in points if point.alike])


def _count(value: float) -> str:
    """5 K, where a table has 5.00 K."""
    number, *unit = notation.write_count(round(value)).split()
    return " ".join([f"{float(number):g}", *unit])


def _label(axes: Axes, points: Sequence[Point], canvas: FigureCanvasAgg) -> None:
    """Write each name where it hides least of other names, points, the front and the edges."""
    renderer = canvas.get_renderer()  # type: ignore[no-untyped-call]
    pixels = axes.figure.dpi / 72  # of a point
    frame = axes.get_window_extent(renderer)
    taken = _segments(axes, points)
    for point in points:
        x, y = axes.transData.transform((point.cost, point.value))
        _, top = axes.transData.transform((point.cost, point.value + point.deviation))
        side = sqrt(point.area) / 2 * pixels
        tall = max(side, top - y)
        taken.append(Bbox.from_extents(x - side, y - tall, x + side, y + tall))
    for point in points:
        note = axes.annotate(
            point.name,
            (point.cost, point.value),
            (0, 0),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize="small",
            arrowprops={"arrowstyle": "-", "color": point.colour, "shrinkA": 0, "shrinkB": 0},
            in_layout=False,
            path_effects=[withStroke(linewidth=2, foreground="white")],
        )
        size = Text.get_window_extent(note, renderer)
        x, y = axes.transData.transform((point.cost, point.value))
        side = sqrt(point.area) / 2 * pixels
        tried = []
        for right, up, far in PLACES:
            away = side / hypot(right, up) + far * pixels
            centre = (
                x + right * (away + size.width / 2),
                y + up * (away + size.height / 2),
            )
            box = Bbox.from_bounds(
                centre[0] - size.width / 2, centre[1] - size.height / 2, size.width, size.height
            )
            tried.append((_hidden(box, taken, frame), far, centre, box))
        _, far, centre, box = min(tried, key=lambda each: each[:2])
        note.set_position(((centre[0] - x) / pixels, (centre[1] - y) / pixels))
        if note.arrow_patch is not None:
            note.arrow_patch.set_visible(far > PLACES[0][2])
        taken.append(box)


def _segments(axes: Axes, points: Sequence[Point]) -> list[Bbox]:
    """The front's steps as boxes of a pixel's width."""
    best = _front(points)
    corners = [axes.transData.transform(each) for each in best]
    right = axes.get_window_extent().x1
    boxes = []
    for place, (x, y) in enumerate(corners):
        end, up = corners[place + 1] if place + 1 < len(corners) else (right, y)
        boxes.append(Bbox.from_extents(x, y - 1, end, y + 1))
        boxes.append(Bbox.from_extents(end - 1, y, end + 1, up))
    return boxes


def _hidden(box: Bbox, taken: Sequence[Bbox], frame: Bbox) -> float:
    """The area of a box that is over something else, or beyond the frame."""
    return sum(_shared(box, each) for each in taken) + _area(box) - _shared(box, frame)


def _shared(one: Bbox, two: Bbox) -> float:
    both = Bbox.intersection(one, two)
    return _area(both) if both is not None else 0.0


def _area(box: Bbox) -> float:
    return float(box.width * box.height)
