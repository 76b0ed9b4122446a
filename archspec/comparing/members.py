"""Plan the trainings of a comparison, and refuse what can be refused before the first begins.

A member of a comparison is one network with one seed. Its run is in a folder below the
comparison's, NAME-sSEED. Nothing here imports Keras.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from archspec.arguments import bind
from archspec.comparing.table import Missing
from archspec.data.preparation import refuse_misfit
from archspec.differences.difference import compare_graphs
from archspec.differences.flat import restore_scopes
from archspec.differences.text import write_text
from archspec.errors import Diagnostic, Refused, Source, Span, SpecError, UserError
from archspec.graph import Graph
from archspec.loading.settings import parse_setting
from archspec.pipeline import find, graph_of, read
from archspec.reading import kind_of, path_of
from archspec.recipe import RECIPE, Recipe, given_in, recipe_of
from archspec.runs.job import locate_data, make_flat_spec
from archspec.runs.results import read_result

# The files of a run that was stopped before it could be resumed.
BEGINNING = {".lock", "error.txt", "run.json", "spec.yaml"}
OTHERWISE = "give another --dir, move the folder away, or give the options that it was made with"


class Terms:
    """The options that all members are trained with, as `archspec train` has them."""

    def __init__(
        self,
        *,
        settings: tuple[str, ...] = (),
        edits: tuple[str, ...] = (),
        recipe: Path | None = None,
        data_dir: Path | None = None,
        limit: int | None = None,
        resize: bool = False,
        device: str | None = None,
        **changes: Any,
    ) -> None:
        """Set the options.

        settings, edits: as `--set` and `--edit` take them. changes: keys of the recipe that replace
        those of each member; None leaves its own.
        """
        self.settings = settings
        self.edits = edits
        self.recipe = recipe
        self.data_dir = data_dir
        self.limit = limit
        self.resize = resize
        self.device = device
        self.changes = changes

    @property
    def options(self) -> list[str]:
        """The options as words of a command line."""
        words = [part for each in self.settings for part in ("--set", each)]
        words += [part for each in self.edits for part in ("--edit", each)]
        given = {
            "recipe": self.recipe,
            **self.changes,
            "data_dir": self.data_dir,
            "limit": self.limit,
            "device": self.device,
        }
        for name, value in given.items():
            if value is not None:
                words += [f"--{name.replace('_', '-')}", str(value)]
        return [*words, "--resize"] if self.resize else words


class Member(Struct, frozen=True, eq=False):
    """A network with a seed.

    label: its name in the comparison. spec: as the user named it. recipe: with the seed. folder:
    the one where its run is, or will be.
    """

    label: str
    spec: str
    graph: Graph
    recipe: Recipe
    folder: Path

    @property
    def seed(self) -> int:
        return self.recipe.seed

    @property
    def log(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}.log")

    def make_missing(self, status: str, message: str = "") -> Missing:
        """Return the row of a member that has no result, with its log if there is one."""
        log = self.log if kind_of(self.log) == "file" else None
        return Missing(self.label, self.seed, self.graph, status, message, log)


def plan_members(specs: Sequence[str], terms: Terms, seeds: int, folder: Path) -> list[Member]:
    """Return the members: all networks with their first seed, then all with the next.

    So a comparison that is stopped has complete rows to compare. Raises `SpecError` with everything
    that is wrong with specs, recipes and folders.
    """
    given = given_in(terms.recipe) if terms.recipe else None
    errors: list[Diagnostic] = []
    networks: dict[Path, tuple[str, Graph, Recipe]] = {}
    for spec in specs:
        with _collect(spec, errors):
            networks[find(spec).resolve()] = (spec, *_load_network(spec, terms, given))
    labels = _choose_labels({path: graph.name for path, (_, graph, _) in networks.items()})
    members = []
    for more in range(seeds):
        for path, (spec, graph, recipe) in networks.items():
            with _collect(spec, errors):
                bind("train", {"seed": RECIPE["seed"]}, {"seed": recipe.seed + more})
            seeded = replace(recipe, seed=recipe.seed + more)
            run_folder = folder / f"{labels[path]}-s{seeded.seed}"
            members.append(Member(labels[path], spec, graph, seeded, run_folder))
    for member in members:
        with _collect(str(member.folder), errors):
            _refuse_other_run(member, terms)
    if errors:  # a wrong option is reported once, though each spec has it
        raise SpecError({(str(each.span), each.message): each for each in errors}.values())
    return members


@contextmanager
def _collect(name: str, errors: list[Diagnostic]) -> Iterator[None]:
    """Collect errors in a list instead of raising them; name: what they are about."""
    nowhere = Span(Source(name, ()), 1, 1, 1, 1)
    try:
        yield
    except SpecError as error:
        errors += error.diagnostics
    except Refused as refused:
        errors.append(Diagnostic("train", refused.message, nowhere, refused.hint))
    except UserError as error:
        message = str(error.args[0]).removeprefix(f"{name}: ")
        errors.append(Diagnostic("file", message, nowhere, error.hint))


def _load_network(spec: str, terms: Terms, given: Mapping[str, Any] | None) -> tuple[Graph, Recipe]:
    """Return the graph and the recipe of a spec. Raises if they cannot be trained."""
    graph = graph_of(read(spec), dict(map(parse_setting, terms.settings)), terms.edits)
    try:
        recipe = recipe_of(
            graph,
            given,
            resize=terms.resize,
            **terms.changes,
        )
    except Refused as refused:
        if terms.recipe:
            refused.message = f"{terms.recipe}: {refused.message}"
        raise
    if recipe.data.name is None:
        raise UserError("nothing to train on", "give --data, or write `data` in its recipe")
    refuse_misfit(graph, recipe)
    return graph, locate_data(recipe)


def _choose_labels(names: Mapping[Path, str]) -> dict[Path, str]:
    """Return the label of each spec's network: its name, or its file if several have that name."""
    labels = {}
    for path, name in names.items():
        alike = [each for each in names if names[each] == name]
        if len(alike) == 1:
            labels[path] = name
        else:
            common = os.path.commonpath([each.parent for each in alike])
            labels[path] = "-".join(path.relative_to(common).with_suffix("").parts)
    return labels


def _refuse_other_run(member: Member, terms: Terms) -> None:
    """Raise `UserError` if the folder of a member holds anything but a run of the same options."""
    folder = member.folder
    if kind_of(folder) is None:
        return
    if not is_begun(folder):
        if not has_only_begun(folder):
            raise UserError("this is no run, but in the way of one", OTHERWISE)
        return
    run = read_result(folder)
    facts = run.facts
    there = _list_compared(run.graph, run.recipe)
    here = _list_compared(member.graph, member.recipe)
    there |= {key: facts["data"].get(key) for key in ("limit", "data_dir")}
    data_dir = str(path_of(terms.data_dir)) if terms.data_dir else None
    here |= {"limit": terms.limit, "data_dir": data_dir}
    if terms.device and "device" in facts:
        there["device"] = facts["device"]
        named = terms.device.lower()
        if named == "gpus":  # however many there are
            there["device"] = there["device"].partition(":")[0]
        here["device"] = named if ":" in named or named == "gpus" else f"{named}:0"
    differing = [key for key in here | there if here.get(key) != there.get(key)]
    changed = [each for each in member.graph.warnings if each.code == "changed-meaning"]
    if "network" in differing and changed:
        places = ", ".join(str(each.span) for each in changed)
        raise UserError(
            f"this run was made of another network, and the spec has changed its meaning: {places}",
            "`archspec check` says what it was, `archspec explain changed-meaning` more; "
            + OTHERWISE,
        )
    if differing:
        words = (_write_difference(key, there.get(key), here.get(key)) for key in differing)
        message = f"this run was made with other options: {', '.join(words)}"
        if "network" in differing:
            difference = compare_graphs(
                restore_scopes(run.graph), member.graph, (str(folder), member.graph.name)
            )
            message += "\n" + write_text(difference).rstrip("\n")
        raise UserError(message, OTHERWISE)


def _list_compared(graph: Graph, recipe: Recipe) -> dict[str, Any]:
    """Return what must be the same in two runs: the network, and each key of the recipe."""
    spec = make_flat_spec(graph, recipe)
    train = spec.pop("train")
    spec.pop("description", None)
    return {"network": spec, **train}


def _write_difference(key: str, there: Any, here: Any) -> str:
    """Return how an option differs, in words."""
    if isinstance(there, dict | list) or isinstance(here, dict | list):
        return f"{key} differs"
    return f"{key} {there} instead of {here}"


def is_begun(folder: Path) -> bool:
    """Return whether the training of a member can be resumed."""
    return kind_of(folder / "resolved.yaml") == "file"


def has_only_begun(folder: Path) -> bool:
    """Return whether a training was killed in a folder before it left anything to resume."""
    if kind_of(folder) != "folder":
        return False
    names = [each.name for each in folder.iterdir() if not each.match(".[0-9]*.*")]
    return BEGINNING.issuperset(names)
