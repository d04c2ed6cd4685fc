"""Run the command line: ``python -m grinder.cli``."""

import sys

from grinder.cli import app

if __name__ == "__main__":
    sys.exit(app())
