"""`python -m archspec.schema` writes `archspec/schema.json`, which editors read."""

from archspec.schema import SHIPPED, text

SHIPPED.write_text(text(), encoding="utf-8")
