"""The syntax of a spec: YAML's values that know their places, and the formulas in them.

source        text -> values               yaml_errors   what is wrong with a text, in words
formulas      `=...`, and `{...}` in names
"""
