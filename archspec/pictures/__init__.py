"""Pictures of a graph: what is seen, how it is arranged, and how it is drawn.

    see -> Sight: boxes and edges -> plan -> Picture: columns and routes -> to_dot -> render

`boxes`, `repeats` and `scene` say what a picture shows; `pages` where it is cut to fit a page;
`routes` how its lines go; `blocks` and `variables` which blocks are drawn by themselves; `labels`
and `style` what is written and in which colours; `dot`, `render` and `svg` make the file.
"""
