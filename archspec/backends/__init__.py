"""What a graph is made into, one module each: a Keras model, a spec without blocks, a table.

Nothing is imported here: whoever needs a backend imports it, so that a table loads no Keras.
"""
