"""What an editor asks about a spec while it is written, without any protocol.

text         places as editors count them      parts       the parts of formulas
names        names as they are written         index       whose they are, by the scopes
reader       open texts before files           workspace   open specs, and what is known of them
dependents   files that stand on others        lookups     definitions and references
rename       another name, wherever it is      facts       what is known of each step
hints        shapes at the ends of lines       hover       what is shown at the mouse
diagnostics  what is wrong, and its remedies   outline     the outline, and what can be folded
tokens       what each word is                 completion  what may stand at a place, which
way          the words around it               is often no YAML yet
"""
