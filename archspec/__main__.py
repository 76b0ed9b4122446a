"""`python -m archspec` is the `archspec` command."""

import sys

from archspec.cli import run

sys.exit(run())
