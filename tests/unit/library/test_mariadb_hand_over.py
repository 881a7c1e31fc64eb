"""What happens to a MariaDB on a machine that is about to be replaced by one with a newer MariaDB."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from soop_components.library import LIBRARY

SCRIPT = LIBRARY / "mariadb/hand_over.sh"
SYSTEMCTL = """\
#!/bin/sh
echo "$*" >>"$0.asked"
case "$1 $2" in
"--quiet is-failed") test -e "$0.failed" ;;
esac
"""


@pytest.mark.parametrize("fails", [False, True])
def test_after_a_stop_that_was_not_in_order_the_server_runs_again(tmp_path: Path, fails: bool) -> None:
    (tmp_path / "data").mkdir()
    programs = {"systemctl": SYSTEMCTL, "mariadb": "#!/bin/sh\n", "journalctl": "#!/bin/sh\necho the reason\n"}
    for name, text in programs.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    if fails:
        (tmp_path / "systemctl.failed").touch()
    script = SCRIPT.read_text().replace("/srv/mariadb", str(tmp_path))
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, check=False)
    asked = (tmp_path / "systemctl.asked").read_text().splitlines()
    assert "stop mariadb.service" in asked
    assert (done.returncode, asked[-1] == "start mariadb.service") == (int(fails), fails)
    assert ("the reason" in done.stderr) == fails
