"""Where Python begins when it is given the folder that the runner was unpacked into."""

import sys

from soop_components.runner.verbs import main

sys.exit(main(sys.argv[1:]))
