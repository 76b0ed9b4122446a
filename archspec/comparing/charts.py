"""Draw the chart of a comparison: how networks learn, and what their accuracy costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
from msgspec import Struct

from archspec import notation
from archspec.comparing.fronts import find_front
from archspec.comparing.table import Comparison, NetworkRow, measure_spread, write_name
from archspec.training.lettering import as_written

# Colours that stay apart for the colour-blind (Okabe and Ito), and markers that do in grey.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
MARKERS = "osD^vP*X"
DPI = 120
SMALL, LARGE = 50, 400  # areas of points
MARGIN = 1.8  # the factor between a panel's edges and its outermost points
# Where a name may be around its point: the direction, and the distance from the point's edge.
OFFSETS = [
    (x, y, far)
    for far in (3, 14, 28)
    for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1))
]


class Point(Struct, frozen=True):
    """A network in a panel: its cost, its value, and the deviation of that.

    alike: whether its conditions are the usual ones; otherwise it is on no front.
    """

    name: str
    cost: float
    value: float
    deviation: float
    area: float
    colour: str
    marker: str
    alike: bool
    is_loss: bool


@as_written
def write_chart(comparison: Comparison, path: Path) -> None:
    """Write the chart of a comparison to a file, in the format of its suffix."""
    draw_chart(comparison).savefig(path, dpi=DPI)


def draw_chart(comparison: Comparison) -> Figure:
    """Return a figure with curves by epoch, and with the measure against time and against
    parameters.

    The latter two have a Pareto front. At least one row must have a value.
    """
    rows = [row for row in comparison.rows if row.value is not None]
    looks = {
        row.name: (COLOURS[index % 8], MARKERS[(index + index // 8) % 8])
        for index, row in enumerate(rows)
    }
    figure = Figure(figsize=(17, 5.6), dpi=DPI, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    figure.suptitle(
        f"{comparison.usual['data']}, {comparison.usual['images']}; {comparison.usual['trained']}"
    )
    left, *others = figure.subplots(1, 3)
    _draw_curves(left, rows, looks)
    timed = _make_points(rows, looks, lambda row: row.seconds, dict.fromkeys(looks, 2 * SMALL))
    sized = _make_points(rows, looks, lambda row: row.graph.total_params, _choose_areas(rows))
    panels = list(zip(others, (timed, sized), strict=True))
    for axes, points in panels:
        _draw_points(axes, points, comparison.measured)
    others[0].set(xlabel="training time in seconds")
    others[1].set(xlabel="parameters (larger points: more MACs)")
    others[1].xaxis.set_major_formatter(FuncFormatter(lambda value, at: _write_count(value)))
    _draw_legend(figure, rows)
    figure.draw_without_rendering()  # which gives panels their positions
    for axes, points in panels:
        _write_names(axes, points, canvas)
    return figure


# --- curves --------------------------------------------------------------------------------------


def _draw_curves(
    axes: Axes, rows: Sequence[NetworkRow], looks: Mapping[str, tuple[str, str]]
) -> None:
    """Draw the mean over the seeds with a band of one deviation, while all of them ran."""
    for row in rows:
        together = list(zip(*(each.curve for each in row.results), strict=False))
        epochs = range(1, len(together) + 1)
        means = [fmean(each) for each in together]
        colour, marker = looks[row.name]
        shown = marker if len(together) < 25 else None
        axes.plot(epochs, means, color=colour, marker=shown, markersize=5, label=write_name(row))
        if len(row.results) > 1:
            spreads = [measure_spread(each) for each in together]
            low = [mean - each for mean, each in zip(means, spreads, strict=True)]
            high = [mean + each for mean, each in zip(means, spreads, strict=True)]
            axes.fill_between(epochs, low, high, color=colour, alpha=0.2, linewidth=0)
    first = rows[0].results[0]
    part = "validation" if "validation" in first.facts["data"]["images"] else "training"
    axes.set(xlabel="epoch", ylabel=f"{part} {first.measure}")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)


def _draw_legend(figure: Figure, rows: Sequence[NetworkRow]) -> None:
    """Draw the legend below all panels, in as many columns as fit."""
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


def _choose_areas(rows: Sequence[NetworkRow]) -> dict[str, float]:
    """Return areas of points, from SMALL to LARGE by the logarithm of the MACs."""
    logs = {row.name: log10(row.graph.macs) for row in rows if row.graph.macs}
    least = min(logs.values(), default=0.0)
    span = max(logs.values(), default=0.0) - least or 1.0
    return {
        row.name: SMALL + (LARGE - SMALL) * (logs.get(row.name, least) - least) / span
        for row in rows
    }


def _make_points(
    rows: Sequence[NetworkRow],
    looks: Mapping[str, tuple[str, str]],
    cost: Callable[[NetworkRow], float | None],
    areas: Mapping[str, float],
) -> list[Point]:
    """Return the points of rows that have a value and a positive cost."""
    return [
        Point(
            write_name(row),
            known,
            row.value,
            row.deviation or 0.0,
            areas[row.name],
            *looks[row.name],
            alike=not row.differs,
            is_loss=row.is_loss,
        )
        for row in rows
        if 0 < (known := cost(row) or 0) < inf and row.value is not None and isfinite(row.value)
    ]


def _draw_points(axes: Axes, points: Sequence[Point], measured: str) -> None:
    """Draw points and the Pareto front of those under the usual conditions."""
    axes.set(xscale="log", ylabel=measured)
    axes.grid(alpha=0.3)
    axes.margins(y=0.15)
    if not points:
        return
    costs = [point.cost for point in points]
    low, high = min(costs) / MARGIN, max(costs) * MARGIN
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low < 100 else (1,)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, at: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    best = _find_front(points)
    for point in sorted(points, key=lambda each: -each.area):  # small points on top
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
    # After its last point a front continues to the edge: more cost gives no more.
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


def _find_front(points: Sequence[Point]) -> list[tuple[float, float]]:
    """Return the (cost, value) pairs of the front; of a loss, less is better."""
    sign = -1 if points and points[0].is_loss else 1
    front = find_front([(point.cost, sign * point.value) for point in points if point.alike])
    return [(cost, sign * value) for cost, value in front]


def _write_count(value: float) -> str:
    """Return a count for an axis: 5 K, where a table has 5.00 K."""
    number, *unit = notation.write_count(round(value)).split()
    return " ".join([f"{float(number):g}", *unit])


def _write_names(axes: Axes, points: Sequence[Point], canvas: FigureCanvasAgg) -> None:
    """Write each name where it hides least of other names, points, the front and the edges."""
    renderer = canvas.get_renderer()  # type: ignore[no-untyped-call]
    pixels = axes.figure.dpi / 72  # of a typographic point
    frame = axes.get_window_extent(renderer)
    taken = _trace_front(axes, points)
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
        tried = _list_spots(axes, point, Text.get_window_extent(note, renderer), pixels)
        far, centre, box = min(
            tried, key=lambda each: (_measure_hidden(each[2], taken, frame), each[0])
        )
        x, y = axes.transData.transform((point.cost, point.value))
        note.set_position(((centre[0] - x) / pixels, (centre[1] - y) / pixels))
        if note.arrow_patch is not None:
            note.arrow_patch.set_visible(far > OFFSETS[0][2])
        taken.append(box)


def _list_spots(
    axes: Axes, point: Point, size: Bbox, pixels: float
) -> list[tuple[float, tuple[float, float], Bbox]]:
    """Return where the name of a point may be: distance from the point, centre, and box.

    size: a box of the name's size. pixels: those of a typographic point.
    """
    x, y = axes.transData.transform((point.cost, point.value))
    side = sqrt(point.area) / 2 * pixels
    spots: list[tuple[float, tuple[float, float], Bbox]] = []
    for right, up, far in OFFSETS:
        away = side / hypot(right, up) + far * pixels
        centre = x + right * (away + size.width / 2), y + up * (away + size.height / 2)
        box = Bbox.from_bounds(
            centre[0] - size.width / 2, centre[1] - size.height / 2, size.width, size.height
        )
        spots.append((far, centre, box))
    return spots


def _trace_front(axes: Axes, points: Sequence[Point]) -> list[Bbox]:
    """Return the steps of the front as boxes of a pixel's width."""
    best = _find_front(points)
    corners = [axes.transData.transform(each) for each in best]
    right = axes.get_window_extent().x1
    boxes = []
    for index, (x, y) in enumerate(corners):
        end, up = corners[index + 1] if index + 1 < len(corners) else (right, y)
        boxes.append(Bbox.from_extents(x, y - 1, end, y + 1))
        boxes.append(Bbox.from_extents(end - 1, y, end + 1, up))
    return boxes


def _measure_hidden(box: Bbox, taken: Sequence[Bbox], frame: Bbox) -> float:
    """Return the area of a box that is over something else, or outside the frame."""
    return (
        sum(_measure_overlap(box, each) for each in taken)
        + _measure_area(box)
        - _measure_overlap(box, frame)
    )


def _measure_overlap(one: Bbox, two: Bbox) -> float:
    both = Bbox.intersection(one, two)
    return _measure_area(both) if both is not None else 0.0


def _measure_area(box: Bbox) -> float:
    return float(box.width * box.height)
