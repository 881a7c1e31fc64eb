"""``soop`` as it is where rented machines exist."""

import sys

from soop_components.cli.main import main
from tests.rented import register

register()
sys.exit(main())
