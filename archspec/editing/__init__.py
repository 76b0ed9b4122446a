"""Answer an editor's questions about a spec while it is written, without any protocol.

    text         places as editors count them      parts       the parts of formulas
    names        names as they are written         scopes      what a place sees
    index        whose the names are, file by file step_walker the names of steps
    edit_walker  the names that edits make         references  what paths and formulas mean
    marks        where a name is written           values      lists and texts of a document
    reader       open texts before files           vocabulary  words that may stand at a place
    workspace    open specs, what is known of them dependents  files that stand on others
    lookups      definitions and references        rename      another name, wherever it is
    facts        what is known of each step        hints       shapes at the ends of lines
    hover        what is shown at the mouse        diagnostics what is wrong, and its remedies
    outline      the outline, what can be folded   tokens      what each word is
    completion   names that may stand at a place   way         the words around a place

Each function takes the view of an open spec, which a `Workspace` gives.
"""
