"""One artefact each: a Keras model, source, a picture, a table.

Nothing is imported here: a backend is imported by whoever needs it, so that drawing loads no Keras.
"""
