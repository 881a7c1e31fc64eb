"""Runs the root helper as a program of its own, apart from any Python environment."""

import os
import sys

# Python puts this folder itself on the path; the package is found from the folder above.
sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from root_helper.verbs import main  # type: ignore[import-not-found]  # noqa: E402

sys.exit(main(sys.argv[1:]))
