"""Compare networks: train what is not trained yet, and write the table and the chart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from archspec.comparing.members import Terms, plan_members
from archspec.comparing.table import Comparison, Missing, build_comparison
from archspec.comparing.trainings import Echo, get_first_line, read_member, train_member
from archspec.errors import UserError
from archspec.reading import kind_of
from archspec.runs.folder import RUNS
from archspec.runs.interrupt import INTERRUPT
from archspec.runs.results import Result, read_result
from archspec.writing import writing

FOLDER = RUNS / "compare"
PICTURES = (".png", ".svg", ".pdf")
PAGE = ".html"  # which archspec.page writes


def compare(
    arguments: Sequence[str],
    terms: Terms | None = None,
    *,
    seeds: int = 1,
    folder: Path = FOLDER,
    echo: Echo = print,
) -> Comparison:
    """Train the members that are not trained yet, and compare all.

    arguments: specs, as files or by name, and folders of runs, which are only read. seeds: how many
    of each spec, counted from its recipe's seed. folder: the one for the members' folders. echo: a
    function that takes each line about progress, including the output of trainings.

    A member that is finished is not trained again, and one that was stopped is resumed; one that
    fails is `missing` in the comparison. Ctrl-C is passed on to the training in progress, and the
    comparison is then `stopped`. A damaged run among the arguments is reported at once, and left
    out.

    Raises `SpecError` with everything that is wrong with specs, recipes and folders, before
    anything is trained; `UserError` if no run can be read and nothing is to be trained.
    """
    terms = terms or Terms()
    given = list(dict.fromkeys(arguments))
    members = plan_members([each for each in given if not is_run(each)], terms, seeds, folder)
    runs: list[Result] = []
    damaged: list[UserError] = []
    for each in filter(is_run, given):
        try:
            runs.append(read_result(Path(each)))
        except UserError as error:
            damaged.append(error)
    if damaged and not runs and not members:
        raise damaged[0]
    left_out = [get_first_line(error) for error in damaged]
    for line in left_out:
        echo(f"left out: {line}")
    found: list[Result | Missing] = []
    stopped = False
    for number, member in enumerate(members, 1):
        title = f"{member.label}, seed {member.seed} ({number} of {len(members)})"
        try:
            found.append(
                read_member(member) if stopped else train_member(member, terms, title, echo)
            )
        except KeyboardInterrupt:
            INTERRUPT.confirm()
            stopped = True
            found.append(read_member(member))
    results = [each for each in found if isinstance(each, Result)]
    ours = {each.folder.resolve() for each in results}
    results += [each for each in runs if each.folder.resolve() not in ours]
    missing = [each for each in found if isinstance(each, Missing)]
    return replace(build_comparison(results, missing, stopped), left_out=tuple(left_out))


def publish(comparison: Comparison, folder: Path, picture: Path | None = None) -> list[Path]:
    """Write comparison.md, comparison.csv and, if a row has a value, comparison.png into a folder.

    picture: another file for the chart, with a suffix of PICTURES. Returns the paths written.
    """
    from archspec.comparing.charts import write_chart

    written = []
    for name, form in (("comparison.md", "markdown"), ("comparison.csv", "csv")):
        written.append(folder / name)
        with writing(folder / name, "name another folder with --dir") as path:
            path.write_text(comparison.to_text(form), encoding="utf-8")
    if any(row.value is not None for row in comparison.rows):
        written.append(picture or folder / "comparison.png")
        with writing(written[-1]) as path:
            write_chart(comparison, path)
    return written


def is_run(argument: str) -> bool:
    """Return whether an argument is the folder of a run, damaged or not, and not a spec."""
    return any(kind_of(Path(argument) / name) for name in ("resolved.yaml", "run.json"))
