"""Define the words of a step."""

MODIFIERS = ("name", "from", "when", "for", "repeat", "call", "merge")
WORDS = ("branches", "layers", "reuse")  # the steps that are neither a layer nor a block call
RESERVED = ("input", "previous")  # the values that a reference may name anywhere in a block
BESIDE = (*MODIFIERS, "else")  # what says no step by itself; `else` stands beside `layers` alone
