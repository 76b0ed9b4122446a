"""The syntax of a spec: YAML's values that know their places, formulas in them, and steps.

Nothing here knows a layer or the name of a step.

    source      text -> values                    yaml_errors   what PyYAML stopped at, in words
    formulas    `=...`, and `{...}` in names
    steps       values -> typed steps             writer        typed steps -> YAML
"""
