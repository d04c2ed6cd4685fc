"""The command line: everything that an operator can ask for.

Slow imports stay inside the command that needs them, so that help and refusals are quick.
"""

from grinder.cli.root import app
from grinder.cli.run import run_main

__all__ = ["app", "run_main"]
