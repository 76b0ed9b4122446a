"""The backends turn a graph into a Keras model, a spec without blocks or a table, a module each.

Nothing is imported here: whoever needs a backend imports it, so that a table loads no Keras.
"""
