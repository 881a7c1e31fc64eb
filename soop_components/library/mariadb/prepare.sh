#!/bin/bash
# Makes sure that the disk holds what this MariaDB can read: the data that is there, or a new data folder on an empty disk.
set -euo pipefail
cd /

# Not in the package's own folder: its scripts give all that is there to user mysql, the system's file on the disk, too.
data=/srv/mariadb/data

# Which version has written the data last stands in a file, whose name depends on the version.
version=$(mariadbd --version | sed 's/.* Ver \([0-9]*\.[0-9]*\).*/\1/')
for file in "$data/mysql_upgrade_info" "$data/mariadb_upgrade_info"; do
    [ -e "$file" ] || continue
    written=$(sed 's/^\([0-9]*\.[0-9]*\).*/\1/;q' "$file")
    if [ "$(printf '%s\n' "$written" "$version" | sort --version-sort | tail -n 1)" != "$version" ]; then
        echo "the disk holds data of MariaDB $written, which $version cannot read: deploy the version of this service with" \
            "MariaDB $written again, or restore a snapshot from before (soop snapshot list)" >&2
        exit 1
    fi
done

# It has its name when it is complete, and not before.
if [ ! -d "$data" ]; then
    rm -rf "$data.new"
    install --directory --owner=mysql --group=mysql --mode=0750 "$data.new"
    said=$(mariadb-install-db --no-defaults --user=mysql --datadir="$data.new" --skip-test-db \
        --auth-root-authentication-method=socket 2>&1) || { echo "$said" >&2; exit 1; }
    sync --file-system "$data.new"
    mv "$data.new" "$data"
fi
