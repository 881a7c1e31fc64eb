#!/bin/bash
# Makes a virtual environment of the wheels that lie beside it, without a network. Argument: the folder of the component.
# Each set of wheels has an environment of its own, which is complete before anything runs in it. The one before stays, so that
# a program that still runs finds its modules, and a rollback finds its environment.
set -euo pipefail
umask 022

home=$1
shopt -s nullglob
wheels=("$home"/wheels/*.whl)
key=$({ python3 --version; sha256sum /dev/null "${wheels[@]}"; } | sha256sum | cut -c 1-16)
made=$home/environments/$key

if [ ! -e "$made/complete" ]; then
    rm -rf "$made"  # of an attempt that was killed
    python3 -m venv --without-pip "$made"
    installer=(/usr/share/python-wheels/pip-*.whl)
    pip() { "$made/bin/python" "${installer[0]}/pip" --isolated --disable-pip-version-check "$@"; }
    if [ ${#wheels[@]} -gt 0 ]; then
        pip install --quiet --no-index --no-deps --no-cache-dir --root-user-action=ignore "${wheels[@]}"
        pip check
    fi
    # Python looks for the application after everything else, in its folder and in src/.
    "$made/bin/python" - "$home/app" "$home/app/src" <<'END'
import pathlib, sys, sysconfig
pathlib.Path(sysconfig.get_path("purelib"), "application.pth").write_text("".join(f"{path}\n" for path in sys.argv[1:]))
END
    sync --file-system "$made"
    touch "$made/complete"
fi

before=$(readlink "$home/environment" || true)
if [ "$before" != "environments/$key" ]; then
    ln -sfn "environments/$key" "$home/environment.new"
    mv -T "$home/environment.new" "$home/environment"
    # Only now: where this was killed here, and runs again, the program may still be in the one before.
    for other in "$home"/environments/*; do
        [ "$other" = "$made" ] || [ "$other" = "$home/$before" ] || rm -rf "$other"
    done
fi
