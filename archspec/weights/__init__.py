"""Begin with pretrained weights: of a run, a Keras model or its file.

sources     opens a run, a file or a model: the network that the weights are of, and their values
planning    decides of each weight whether it is copied, sliced, averaged or new, and why
reports     the plan as a table and as JSON
initial     the two in one value, as a run remembers it
assigning   gives the weights to a Keras model

Only `assigning`, a `.weights.h5` file and a model of keras.applications need Keras.
"""

PARTIAL = ("slice", "mean", "classes")  # what may be taken of weights with another shape
