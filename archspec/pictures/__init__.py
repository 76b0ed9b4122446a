"""Draw pictures of a graph: choose what is shown, arrange it, and draw it.

    Graph --build_scene--> Scene --plan_picture--> Picture --to_dot--> DOT text --render--> file

What is shown
    scene: boxes, marks, edges and frames. boxes: which layers share a box, which frames are
    folded. repeats: parts of one structure, drawn once. cells: the text in a box. style: colours.
How it is laid out
    plan: the whole picture. ways: what goes up beside what goes down. pages: where it is cut to
    fit a page. order: that of inputs and outputs. routes: how its lines go.
    blocks, variables: the blocks that are drawn by themselves, and how their uses differ.
How it is drawn
    labels: cells in rows and colours. differences: what is marked side by side. markup: Graphviz's
    labels. dot: DOT text. render: files. svg: an SVG for readers. changes, compared: the labels and
    the DOT text of what differs between two networks.

Nothing that is shown depends on how it is laid out or drawn.
"""
