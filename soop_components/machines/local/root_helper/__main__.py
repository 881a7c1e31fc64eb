"""Runs the root helper as a program of its own, apart from any Python environment."""

import os
import sys
from importlib import import_module

# Python puts this folder itself on the path; the package is found from the folder above.
sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

sys.exit(import_module("root_helper.verbs").main(sys.argv[1:]))
