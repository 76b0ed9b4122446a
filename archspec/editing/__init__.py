"""What an editor asks about a spec while it is written, without any protocol.

text        places as editors count them     parts      the parts of formulas
names       marks of names, tied together    index      the names of a spec, by their scopes
reader      open texts before files          workspace  open specs, and what is known of them
dependents  files that stand on others       lookups    definitions and references
rename      another name, wherever it is
"""
