"""Where Python begins: unpacks the archive beside itself once, since Python keeps no compiled code of archives."""

import os
import sys


def _unpack(archive: str) -> str:
    """Return the folder with the archive's content; the archive itself when there can be none."""
    folder = archive.removesuffix(".pyz")
    if folder == archive or os.path.isdir(folder):
        return folder
    import shutil
    import tempfile
    import zipfile

    try:
        temporary = tempfile.mkdtemp(prefix=".new.", dir=os.path.dirname(folder))
    except OSError:
        return archive
    try:
        with zipfile.ZipFile(archive) as content:
            content.extractall(temporary)
        os.rename(temporary, folder)
    except OSError:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder if os.path.isdir(folder) else archive


if __name__ == "__main__":
    sys.path.insert(0, _unpack(os.path.abspath(sys.argv[0])))
    from soop_components.runner.verbs import main

    sys.exit(main(sys.argv[1:]))
