"""Write Graphviz's labels, which are data up to here.

write_label([Text("conv 3×3", "Bold")])        ->  <<FONT FACE="Helvetica-Bold">conv 3×3</FONT>>
write_label(Table([[Cell([Text("BN")])]]))     ->  <<TABLE ...><TR><TD>BN</TD></TR></TABLE>>
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from msgspec import Struct, field

from archspec.pictures.style import FONT, Face


class Text(Struct, frozen=True):
    """Letters of one face and size; "" and 0 for those of the text around.

    A newline breaks the line.
    """

    text: str
    face: Face = ""
    size: int = 0


class Table(Struct, frozen=True):
    """Rows of cells; look: Graphviz's attributes of a table, without lines by default."""

    rows: Sequence[Sequence[Cell]]
    look: Mapping[str, object] = field(default_factory=dict)


class Cell(Struct, frozen=True):
    """A cell of a table.

    holds: texts of one line, or a table.
    fill: #RRGGBB, or "" for none. ink: the colour of its texts, or "" for that of the text around.
    port: the name by which edges find it. span: the number of columns that it takes, if not one.
    width: the least width, in points. fixed: the width and height in points of an empty cell.
    left: whether its text is aligned to the left. look: Graphviz's other attributes of a cell.
    """

    holds: Sequence[Text] | Table = ()
    fill: str = ""
    ink: str = ""
    port: str = ""
    span: int = 0
    width: int = 0
    fixed: int = 0
    left: bool = False
    look: Mapping[str, object] = field(default_factory=dict)


def write_label(holds: Sequence[Text] | Table) -> str:
    """Return a label as Graphviz reads it."""
    return f"<{_write(holds)}>"


def _write(holds: Sequence[Text] | Table) -> str:
    return _write_table(holds) if isinstance(holds, Table) else "".join(map(_write_text, holds))


def _write_table(table: Table) -> str:
    plain = {"BORDER": 0, "CELLBORDER": 0, "CELLSPACING": 0, "CELLPADDING": 0}
    rows = "".join(f"<TR>{''.join(map(_write_cell, row))}</TR>" for row in table.rows)
    return f"<TABLE{_write_attributes({**plain, **table.look})}>{rows}</TABLE>"


def _write_cell(cell: Cell) -> str:
    look: dict[str, object] = {
        "PORT": cell.port,
        "COLSPAN": cell.span or "",
        "BGCOLOR": cell.fill,
        "ALIGN": "LEFT" if cell.left else "",
        "FIXEDSIZE": "TRUE" if cell.fixed else "",
        "WIDTH": cell.fixed or cell.width or "",
        "HEIGHT": cell.fixed or "",
        **cell.look,
    }
    inside = _write(cell.holds)
    inside = f'<FONT COLOR="{cell.ink}">{inside}</FONT>' if cell.ink else inside
    given = {name: value for name, value in look.items() if value}
    return f"<TD{_write_attributes(given)}>{inside}</TD>"


def _write_text(text: Text) -> str:
    """Return a text as markup.

    Faces are given by name, because Graphviz raises <B> above the rest of its line.
    """
    written = "<BR/>".join(escape(line) for line in text.text.split("\n"))
    if text.face:
        written = f'<FONT FACE="{FONT}-{text.face}">{written}</FONT>'
    return f'<FONT POINT-SIZE="{text.size}">{written}</FONT>' if text.size else written


def _write_attributes(look: Mapping[str, object]) -> str:
    return "".join(f' {name}="{value}"' for name, value in look.items())
