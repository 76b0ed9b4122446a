"""Read the syntax of a spec: YAML values with their places, the formulas in them, and steps.

Nothing here knows a layer or the name of a step.

    source      text -> values                    yaml_errors   errors of YAML's syntax, in words
    formulas    `=...`, and `{...}` in names
    steps       values -> typed steps             writer        typed steps -> YAML
"""
