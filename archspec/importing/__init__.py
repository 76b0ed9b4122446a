"""Read a Keras model into a spec: its config alone, as data, of which nothing is run.

    read_model("model.keras") -> Model      `files`: the config, unpacked and parsed
    to_steps(model, findings) -> Wiring     `wiring`: its layers in a row, nested models laid open
    to_imported(model) -> Imported          `specs`: a flat spec, and the graph that it means

Only `applications` starts Keras, in a process of its own.
"""
