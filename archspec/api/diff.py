"""Compare the networks of specs and of Keras models: what is the same, and what differs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from msgspec import Struct

from archspec import pipeline
from archspec.api.arguments import Spec, check_choice, check_count, graph_of
from archspec.api.reports import FORMS, Report
from archspec.errors import UserError
from archspec.foreign import suggest_import
from archspec.graph import Graph
from archspec.reading import kind_of

if TYPE_CHECKING:
    import keras

    from archspec.api.draw import Drawing
    from archspec.differences.difference import Difference

Network: TypeAlias = "Spec | keras.Model"
Given = TypeVar("Given", bound=Network)


class Side(Struct, frozen=True, eq=False):
    """One of the networks that are compared. name: what it is called. file: where it was read, or
    None. changes: the settings and edits that were made, as the command line has them. is_model:
    whether it is a Keras model. notes: what of such a model the graph does not say."""

    graph: Graph
    name: str
    file: str | None = None
    changes: str = ""
    is_model: bool = False
    notes: tuple[str, ...] = ()


class DifferenceReport(Report):
    """The report on what differs between networks: text to print, and data to work with.

    differences: between the first network and each of the others. notes: what of Keras models no
    spec says, as the seeds of their random numbers. `print` shows the report as text,
    a notebook as a table, and `data` has its numbers: a mapping, or a list of them for several.
    """

    forms = (*FORMS, "github")

    def __init__(self, sides: Sequence[Side], depth: int | None, full: bool, recipe: bool) -> None:
        if recipe and any(side.is_model for side in sides):
            name = next(side.name for side in sides if side.is_model)
            raise UserError(
                f"{name}: a Keras model has no recipe to compare",
                "leave recipe out: the networks are compared without it",
            )
        super().__init__(self._write_form)
        self._sides, self._depth, self._full, self._recipe = tuple(sides), depth, full, recipe

    @cached_property
    def differences(self) -> tuple[Difference, ...]:
        from archspec.differences.difference import compare_graphs

        first, *others = self._sides
        names = _name_apart(self._sides)
        return tuple(
            compare_graphs(
                first.graph,
                side.graph,
                (names[0], name),
                (first.file, side.file),
                (first.is_model, side.is_model),
            )
            for side, name in zip(others, names[1:], strict=True)
        )

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(f"{side.name}: {note}" for side in self._sides for note in side.notes)

    @property
    def is_same(self) -> bool:
        """Whether all are the same network as the first, and have its recipe if that counts."""
        return all(each.is_same and not (self._recipe and each.recipe) for each in self.differences)

    def draw(
        self,
        *,
        side_by_side: bool = False,
        fold: bool = True,
        theme: str = "light",
        direction: str = "TB",
    ) -> Drawing:
        """Draw what differs between two networks in one picture.

        It shows the second network with the layers that only the first has. A sign, a line and a
        colour show how a layer changed, and blocks in which nothing differs are folded. Two
        networks that have little in common are drawn side by side, without signs.

        side_by_side: draw each network by itself, with the same signs.
        fold: whether repeated blocks are drawn once; False draws each repetition.
        theme: "light", "dark" or "print".
        direction: "TB", from top to bottom, or "LR", from left to right.

        The depth of the report folds blocks nested so deep into a box each. Raises `UserError` for
        three and more networks, and for a value that an argument cannot have.

            >>> import archspec
            >>> drawing = archspec.diff("vgg_a", "vgg_b").draw()
            >>> drawing.save("build/vgg.svg")  # doctest: +SKIP
        """
        from archspec.api.draw import Drawing, check_page, on_paper
        from archspec.pictures.boxes import View
        from archspec.pictures.compared import READABLE, draw_both, draw_merged
        from archspec.pictures.style import DIRECTIONS, THEMES, Style

        check_choice("theme", theme, THEMES)
        check_choice("direction", direction, DIRECTIONS)
        if len(self._sides) > 2:
            message = f"a picture of what differs is of two networks, not {len(self._sides)}"
            raise UserError(message, hint="`archspec draw` puts several side by side")
        (difference,) = self.differences
        view = View(self._depth, fold, READABLE * (2 if side_by_side else 1))
        draw, style = draw_both if side_by_side else draw_merged, Style(theme, direction)

        def make_page() -> str:
            from archspec.page.drawing import write_difference_page
            from archspec.pictures.render import draw_svg

            why = "it has both networks, to choose from"
            check_page(style, "side by side" if side_by_side else "", why)
            picture = draw_svg(draw_merged(difference, view, on_paper(style)))
            depth, full = self._depth, self._full
            return write_difference_page(difference, view, picture, theme, depth, full)

        return Drawing(draw(difference, view, style), make_page)

    def _write_form(self, form: str) -> str:
        if form == "json":
            return self._write_json()
        if form == "github":
            return self._write_github()
        if len(self.differences) > 1:
            from archspec.differences.several import write_table

            return write_table(self.differences, self._depth, self._full, form)
        from archspec.differences.text import write_markdown, write_text

        write = write_text if form == "text" else write_markdown
        return write(self.differences[0], self._depth, self._full)

    def _write_json(self) -> str:
        import json

        from archspec.differences.data import to_data

        found = [to_data(each, self._depth, self._full) for each in self.differences]
        return json.dumps(found[0] if len(found) == 1 else found, indent=2, ensure_ascii=False)

    def _write_github(self) -> str:
        from archspec.differences.annotations import list_notes
        from archspec.error_formats import to_github

        return to_github(
            [
                note
                for each in self.differences
                for note in list_notes(each, self._depth, self._full)
            ]
        )


def diff(
    *specs: Network,
    settings: Sequence[str] = (),
    edits: Sequence[str] = (),
    depth: int | None = None,
    full: bool = False,
    recipe: bool = False,
) -> DifferenceReport:
    """Compare the network of the first spec with those of the others.

    specs: files, bare names of specs that come with archspec, folders of runs, graphs, or Keras
        models as `archspec.from_keras` takes them: .keras and JSON files,
        `keras.applications.NAME`, a `keras.Model`. One spec alone is compared with itself as
        `settings` and `edits` change it.
    settings, edits: changes of every spec but the first, as `--set` and `--edit` take them; where
        all others are Keras models, of the first.
    depth: what differs in blocks that are nested deeper than this is one row a block.
    full: whether each edit has a row of its own, and the data each pair.
    recipe: whether the recipe counts: two networks with other recipes are then not the same.

    Raises `SpecError` for a broken spec and for a model that cannot be imported, `UserError` for a
    file that is not there and for a value that an argument cannot have.

        >>> import archspec
        >>> report = archspec.diff("resnet18", settings=["depths=[2, 2, 2, 3]"])
        >>> report.is_same, report.data["totals"]["params"]
        (False, 4722688)
        >>> [(row["patterns"], row["text"]) for row in report.data["groups"]]
        [(['stage3.unit2'], 'residual, 7 layers, after unit1.activation')]
    """
    check_count("depth", depth)
    if full and depth is not None:
        raise UserError("give depth or full, not both: one folds what the other spreads out")
    for name, value in (("settings", settings), ("edits", edits)):
        if isinstance(value, str):
            raise TypeError(f"{name} must be a list of texts, not text")
    changes = bool(settings or edits)
    if len(specs) < 2 and not (specs and changes):
        raise TypeError("diff() takes two specs or more, or one with settings or edits")
    sides = [
        _load(spec, *((settings, edits) if is_changed else ()))
        for spec, is_changed in mark_changed(specs, changes)
    ]
    return DifferenceReport(sides, depth, full, recipe)


def mark_changed(specs: Sequence[Given], changes: bool) -> list[tuple[Given, bool]]:
    """Return the networks to compare, each with whether settings and edits change it.

    changes: whether there are any. One spec alone is put beside itself. Raises `UserError` where
    there are changes and no spec for them.
    """
    from archspec.importing.files import is_model

    if not changes:
        return [(spec, False) for spec in specs]
    first, *others = specs
    models = [is_model(spec) for spec in specs]
    if all(models):
        hint = (
            f"{suggest_import(str(first))}, which can be changed"
            if isinstance(first, str)
            else None
        )
        raise UserError("a Keras model cannot be changed by --set or --edit", hint)
    if not others:
        return [(first, False), (first, True)]
    if all(models[1:]):
        return [(first, True), *((spec, False) for spec in others)]
    return [
        (spec, place > 0 and not model)
        for place, (spec, model) in enumerate(zip(specs, models, strict=True))
    ]


def _load(spec: Network, settings: Sequence[str] = (), edits: Sequence[str] = ()) -> Side:
    if isinstance(spec, Graph) and (settings or edits):
        raise TypeError("settings and edits change files and names; of a graph, load another one")
    from archspec.importing.files import is_model

    if isinstance(spec, str | Path) or is_model(spec):
        return load_side(spec, settings, edits)
    graph = graph_of(spec, "diff")
    return Side(graph, graph.name)


def load_side(
    spec: str | Path | keras.Model, settings: Sequence[str] = (), edits: Sequence[str] = ()
) -> Side:
    """Return the network of a spec or of the folder of a run, with changes, or of a Keras model.

    Raises `SpecError` and `UserError` as `diff` does.
    """
    from archspec.importing.files import is_model
    from archspec.loading.settings import parse_setting

    if is_model(spec):
        return _load_model(spec)
    assert isinstance(spec, str | Path)
    run = find_run(spec)
    document = pipeline.read(run or spec)
    graph = pipeline.graph_of(document, dict(map(parse_setting, settings)), edits)
    name = graph.name
    if run is not None:
        from archspec.differences.flat import restore_scopes

        graph, name = restore_scopes(graph), str(spec)
    return Side(graph, name, document.source.name, describe_changes(settings, edits))


def _load_model(model: str | Path | keras.Model) -> Side:
    """Return the network of a Keras model, each of its layers by the name that it has there."""
    from archspec.importing.files import read_model
    from archspec.importing.specs import to_imported

    found = read_model(model)
    imported = to_imported(found, flat=True)
    return Side(imported.graph, found.source, found.source, is_model=True, notes=imported.notes)


def find_run(spec: str | Path) -> Path | None:
    """Return the resolved.yaml of a spec that is the folder of a run; None for any other."""
    resolved = Path(spec) / "resolved.yaml"
    return resolved if kind_of(Path(spec)) == "folder" and kind_of(resolved) == "file" else None


def describe_changes(settings: Sequence[str], edits: Sequence[str]) -> str:
    """Return settings and edits as the command line has them."""
    return " ".join(
        [*(f"--set {each}" for each in settings), *(f"--edit '{each}'" for each in edits)]
    )


def _name_apart(sides: Sequence[Side]) -> list[str]:
    """Return what the networks are called: by name and by what was changed; where two have one
    name, by their files."""
    names = [f"{side.name} {side.changes}".strip() for side in sides]
    if len(set(names)) < len(names):
        files = [f"{side.file or side.name} {side.changes}".strip() for side in sides]
        if len(set(files)) == len(files):
            return files
    return names
