"""One sentence for each argument, for the schema, the reference page and editors."""

DOCS: dict[str, str] = {}
