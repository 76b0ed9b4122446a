"""Define the functions of the package: one for each verb of the command line, in a file of its
name.

`archspec/__init__.py` exports them all. The commands in cli/ read options, call these functions and
print what they return, so that nothing can be done on the command line alone.
"""
