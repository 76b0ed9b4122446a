"""Read a Keras model into a spec: its config alone, as data, of which nothing is run.

    file --files--> Model --wiring--> ImportedSteps --specs--> flat spec --folding--> Imported

Models within the model are laid open on the way. Only `applications` starts Keras, in a process of
its own.
"""
