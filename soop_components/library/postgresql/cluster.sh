#!/bin/bash
# Makes sure that there is a cluster of this major version on the disk, configured by our files: a new one on an empty disk,
# the one that is there otherwise. Nothing that a server has ever run on is deleted.
set -euo pipefail

version=15
data=/var/lib/postgresql/$version/main
config=/etc/postgresql/$version/main

fail() { echo "$*" >&2; exit 1; }

for other in /var/lib/postgresql/*/main/PG_VERSION; do
    [ "$other" = "$data/PG_VERSION" ] && continue
    [ -e "$other" ] || continue
    fail "the disk holds data of PostgreSQL $(cat "$other") in $(dirname "$other"); upgrade it to $version or give the role a new disk"
done

# An initialisation that was interrupted leaves a folder that no server has started on (there would be a postmaster.opts)
# and that lacks the database made last.
if [ -d "$data" ] && [ ! -e "$data/postmaster.opts" ] && [ ! -e "$data/base/5/PG_VERSION" ]; then
    rm -rf "$data" "$config"
fi

# The disk may come from a machine on which the user had another number.
chown postgres:postgres /var/lib/postgresql
if [ -d "/var/lib/postgresql/$version" ] && \
   [ -n "$(find "/var/lib/postgresql/$version" \( ! -user postgres -o ! -group postgres \) -print -quit)" ]; then
    chown -R postgres:postgres "/var/lib/postgresql/$version"
fi

# The package creates a cluster when it is installed on an empty disk. A configuration without its data is of no use; for data
# without its configuration Debian's tool wants the files that it moves to /etc.
if [ ! -e "$config/postgresql.conf" ] || [ ! -e "$data/PG_VERSION" ]; then
    rm -rf "$config"
    if [ -e "$data/PG_VERSION" ]; then
        for file in postgresql.conf pg_hba.conf pg_ident.conf; do
            [ -e "$data/$file" ] || \
                install -o postgres -g postgres -m 0600 "/usr/share/postgresql/$version/$file.sample" "$data/$file"
        done
    fi
    pg_createcluster --user=postgres --locale=C.UTF-8 "$version" main
fi

ln -sfn /etc/soop-postgresql/postgresql.conf "$config/conf.d/soop.conf"

# The server must be able to read what its configuration includes.
for file in postgresql.conf pg_hba.conf; do
    runuser -u postgres -- test -r "/etc/soop-postgresql/$file" || fail "user postgres cannot read /etc/soop-postgresql/$file"
done
