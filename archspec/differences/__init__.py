"""Compare two networks: their layers paired, the edits between them, and the words.

matching        pairs the nodes of two graphs: by names, then by structure
edits           the edits that lead from one graph to the other, with their costs
difference      both in one frozen value, `Difference`, from `compare_graphs`
rows            edits of the same kind in one row, as a table has it
text, data      the rows as text, and the whole as JSON
several         more than two networks, aligned to the first
changes         what of each node differs, for pictures
merged, wording both networks in one graph, and what was and is in words
"""
