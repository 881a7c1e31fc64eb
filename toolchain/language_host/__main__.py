"""Start the language host: ``python toolchain/language_host [flags] ENGINE_ADDRESS``."""

from __future__ import annotations

import sys
from pathlib import Path

if not __package__:
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from soop_components import protocol_only

protocol_only.spare_the_sdk()

from language_host.server import main  # noqa: E402 - the SDK must be spared first

main(sys.argv[1:])
