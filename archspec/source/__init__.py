"""Write the source of a network: a file in plain Keras that makes it, and needs nothing else.

    spec --trace--> visits --steps--> statements --layout--> text --replay--> the same network?

The steps of the spec are walked once, as expansion walks them, and each becomes what a person would
write: a block a function, a loop a `for`, a condition an `if`, a formula its own text. What cannot
be written so is written out flat, layer by layer. The text is followed, without running it, and
compared with the network: source is at worst long, never wrong.
"""
