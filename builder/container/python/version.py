"""Tells which interpreter runs it, so that its bytecode can be judged by that."""

import platform
import sys

print(platform.python_implementation(), platform.python_version(), sys.flags.optimize)
