"""`python -m archspec.schema` writes `archspec/schema.json`, which editors read."""

from pathlib import Path

from archspec.schema import shipped

Path(__file__).parent.with_suffix(".json").write_text(shipped(), encoding="utf-8")
