"""Write files of a model for other programs, each compared with Keras in the program that runs it.

    find_format("net.onnx") -> the format, or None
    export(model, graph, "net.onnx") -> the largest difference from Keras, or None

A format is a function that writes a model, and one that runs what was written. To add one, write
both in a file of its own, and its entry in `FORMATS`.
"""

from __future__ import annotations

from archspec.exporting.formats import FORMATS, Format, check_export, export, find_format

__all__ = ["FORMATS", "Format", "check_export", "export", "find_format"]
