"""Write `archspec/schema.json`, which editors read: `python -m archspec.schema`."""

from archspec.schema import SHIPPED, make_text

SHIPPED.write_text(make_text(), encoding="utf-8")
