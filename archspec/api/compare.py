"""Compare networks: train those that are not trained yet, and put all of them side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from archspec.api.arguments import check_choice, check_count, needs_run_extra, path_or_none
from archspec.display import TABLE_STYLES
from archspec.errors import UserError
from archspec.runs.outcome import Run

if TYPE_CHECKING:
    from archspec.comparing.members import Terms
    from archspec.comparing.table import Comparison
    from archspec.runs.results import Result


@needs_run_extra
def compare(
    *specs: str | Path | Run,
    settings: Sequence[str] = (),
    edits: Sequence[str] = (),
    seeds: int = 1,
    recipe: str | Path | None = None,
    data: str | None = None,
    batch_size: int | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    precision: str | None = None,
    data_dir: str | Path | None = None,
    limit: int | None = None,
    resize: bool = False,
    device: str | None = None,
    dir: str | Path | None = None,
    output: str | Path | None = None,
    quiet: bool = False,
    echo: Callable[[str], None] = print,
) -> Comparison:
    """Train each spec that is not trained yet, and compare them all.

    specs: files, bare names of specs that come with archspec, runs, and folders of runs, which are
        only read. Each spec is trained in a process of its own, so that a `Graph` is not taken.
    settings: changes of every spec, as `--set` takes them: `["width=32"]`.
    edits: changes of steps of every spec, as `archspec.load` takes them.
    seeds: how many times each spec is trained, each time from another seed.
    recipe, data, batch_size, epochs, steps, precision, data_dir, limit, resize, device: as
        `archspec.train` takes them, for every spec; recipe is a file.
    dir: the folder of the runs, by default `runs/compare`; comparison.md and comparison.csv are
        written there.
    output: the picture, a .png, .svg or .pdf; by default comparison.png in `dir`. A .html is a page
        with curves, Pareto fronts, a table to sort, and the network of each row.
    quiet: do not show what the trainings print. echo: takes each message; `print` by default.

    Finished trainings are not repeated, and a run that was stopped is resumed. Ctrl-C stops the
    training in progress; `Comparison.stopped` is then true, and the same call continues.

    Raises `SpecError` with everything that is wrong with specs, recipes and folders, before
    anything is trained.

        >>> import archspec
        >>> print(archspec.compare("lenet5", "vgg11", data="digits"))  # doctest: +SKIP
    """
    if not specs:
        raise TypeError("compare() takes at least one spec or run")
    for each in specs:
        if not isinstance(each, str | Path | Run):
            kind = type(each).__name__
            raise TypeError(f"compare() takes files, names of specs, and runs, not {kind}")
    terms = _check_terms(
        seeds,
        settings=settings,
        edits=edits,
        recipe=recipe,
        data_dir=data_dir,
        limit=limit,
        resize=resize,
        device=device,
        data=data,
        batch_size=batch_size,
        epochs=epochs,
        steps=steps,
        precision=precision,
    )
    from archspec.comparing import compare as comparing

    picture = path_or_none("output", output)
    if picture is not None:
        suffixes = (*comparing.PICTURES, comparing.PAGE)
        check_choice("the suffix of output", picture.suffix, suffixes)
    given = [str(each.folder if isinstance(each, Run) else each) for each in specs]
    if all(map(comparing.is_run, given)) and (terms.options or seeds > 1):
        option = next(iter(terms.options), "--seeds").strip("-").replace("-", "_")
        raise UserError(f"{option} is for training: give a spec to train")
    place = path_or_none("dir", dir) or comparing.FOLDER
    found = comparing.compare(
        given,
        terms,
        seeds=seeds,
        folder=place,
        echo=(lambda line: None) if quiet else echo,
    )
    is_page = picture is not None and picture.suffix == comparing.PAGE
    written = comparing.publish(found, place, None if is_page else picture)
    if picture is not None and is_page:
        from archspec.page.comparison import write_comparison_page
        from archspec.writing import writing

        text = write_comparison_page(found)
        with writing(picture) as path:
            path.write_text(text, encoding="utf-8")
        written.append(picture)
    echo(f"wrote {', '.join(map(str, written))}")
    return found


def _check_terms(
    seeds: int,
    *,
    settings: Sequence[str] = (),
    edits: Sequence[str] = (),
    recipe: str | Path | None = None,
    data_dir: str | Path | None = None,
    limit: int | None = None,
    resize: bool = False,
    device: str | None = None,
    data: str | None = None,
    batch_size: int | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    precision: str | None = None,
) -> Terms:
    """Return the options of all trainings. Raises for those that are no such options."""
    check_count("seeds", seeds)
    check_count("limit", limit)
    if isinstance(settings, str):
        raise TypeError("settings must be a list of texts such as 'width=32', not one text")
    if isinstance(edits, str):
        raise TypeError("edits must be a list of texts such as 'at: head, remove: true', not text")
    if epochs is not None and steps is not None:
        raise UserError("give epochs or steps, not both")
    from archspec.comparing.members import Terms

    return Terms(
        settings=tuple(settings),
        edits=tuple(edits),
        recipe=path_or_none("recipe", recipe),
        data_dir=path_or_none("data_dir", data_dir),
        limit=limit,
        resize=resize,
        device=device,
        data=data,
        batch_size=batch_size,
        epochs=epochs,
        steps=steps,
        precision=precision,
    )


@needs_run_extra
def list_jobs(
    *specs: str | Path,
    seeds: int = 1,
    dir: str | Path | None = None,
    echo: Callable[[str], None] = print,
    **options: Any,
) -> list[str]:
    """List the commands of the trainings that a comparison lacks, for the queue of a cluster.

    specs, seeds, dir, options: as `archspec.compare` takes them. echo: takes a message about each
        training that is left out, because it is finished or has just begun.

    Each is a line for a shell, which works in this folder. When they are done, the same call of
    `archspec.compare` finds their runs in `dir` and compares them.

    Raises `SpecError` with everything that is wrong with specs, recipes and folders.

        >>> import archspec
        >>> jobs = archspec.list_jobs("lenet5", seeds=2, data="digits")  # doctest: +SKIP
        >>> for job in jobs:  # doctest: +SKIP
        ...     print(job)
    """
    from archspec.comparing.compare import FOLDER, is_run
    from archspec.comparing.members import plan_members
    from archspec.comparing.trainings import make_jobs

    given = list(dict.fromkeys(map(str, specs)))
    if not given:
        raise TypeError("list_jobs() takes at least one spec")
    if runs := list(filter(is_run, given)):
        raise UserError(f"{runs[0]} is a run, which needs no job", "give specs to train")
    terms = _check_terms(seeds, **options)
    members = plan_members(given, terms, seeds, path_or_none("dir", dir) or FOLDER)
    return make_jobs(members, terms, echo)


class RunList(Struct, frozen=True, eq=False):
    """The runs in a folder.

    results: the result of each. left_out: the error of each run that could not be read.
    """

    results: tuple[Result, ...]
    left_out: tuple[str, ...]

    def to_text(self, form: str = "text") -> str:
        """Return a table, the best run first, as "text", "markdown" or "csv"."""
        from archspec.comparing.table import list_runs as write_runs

        check_choice("form", form, (*TABLE_STYLES, "csv"))
        return write_runs(self.results, form)

    def __str__(self) -> str:
        return self.to_text().rstrip("\n")

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        return self.to_text("markdown")


@needs_run_extra
def list_runs(dir: str | Path | None = None) -> RunList:
    """List the runs in a folder and in the folders below it.

    dir: by default `runs`.

    Raises `UserError` if there is no such folder, or no run in it.

        >>> import archspec
        >>> print(archspec.list_runs("runs"))  # doctest: +SKIP
    """
    from archspec.runs.folder import RUNS
    from archspec.runs.results import find_runs, read_result

    place = path_or_none("dir", dir) or RUNS
    results: list[Result] = []
    left_out: list[str] = []
    for folder in find_runs(place):
        try:
            results.append(read_result(folder))
        except UserError as error:
            left_out.append(str(error.args[0]))
    if not results:
        hint = "name the folder of your runs with --dir"
        raise UserError("\n".join([f"there are no runs in {place}", *left_out]), hint)
    return RunList(tuple(results), tuple(left_out))
