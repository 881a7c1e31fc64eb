#!/bin/bash
# Makes sure that there is a cluster of this major version on the disk, configured by our files: a new one on an empty disk, the
# one that is there, or one made of what another major version has handed over (hand_over.sh). Argument: the major version.
# Nothing that a server has ever run on is deleted, except for a cluster all of which is in the one made of it.
set -euo pipefail
cd /

version=$1
home=/var/lib/postgresql
data=$home/$version/main
config=/etc/postgresql/$version/main
moving=$home/moving
bin=/usr/lib/postgresql/$version/bin

fail() { echo "$*" >&2; exit 1; }

# The disk may come from a machine on which the user had another number.
chown postgres:postgres "$home"
for folder in "$home"/[0-9]* "$moving"; do
    if [ -d "$folder" ] && [ -n "$(find "$folder" \( ! -user postgres -o ! -group postgres \) -print -quit)" ]; then
        chown -R postgres:postgres "$folder"
    fi
done

# Says whether nobody has used the cluster of this version: no server has run on it, and it has no databases but those of its making.
is_unused() {
    [ ! -e "$data/postmaster.opts" ] || return 1
    for folder in "$data"/base/*; do
        [[ ! ${folder##*/} =~ ^[0-9]+$ || ${folder##*/} -lt 16384 ]] || return 1
    done
}

# Makes a cluster of what was handed over; it takes its place when it is complete, and not before.
restore() {
    cluster=$moving/cluster
    if [ -e "$cluster/postmaster.pid" ]; then  # of an attempt that was killed
        runuser -u postgres -- "$bin/pg_ctl" stop --silent --mode=immediate --pgdata="$cluster" >/dev/null 2>&1 || true
    fi
    rm -rf "$cluster"
    sockets=$(mktemp --directory)
    chown postgres:postgres "$sockets"
    stop() {
        runuser -u postgres -- "$bin/pg_ctl" stop --silent --mode=immediate --pgdata="$cluster" >/dev/null 2>&1 || true
        rm -rf "$cluster" "$sockets"
    }
    trap stop EXIT
    checksums=()
    [ "$(cat "$moving/checksums")" != on ] || checksums=(--data-checksums)
    runuser -u postgres -- "$bin/initdb" --pgdata="$cluster" --locale=C.UTF-8 --encoding=UTF8 --auth=peer --no-sync "${checksums[@]}" \
        >/dev/null
    runuser -u postgres -- sh -c 'echo "include '"'/etc/soop-postgresql/postgresql.conf'"'" >> "$1"' sh "$cluster/postgresql.conf"
    # It syncs once, at the end; until then nobody but the user postgres reaches it.
    options="-c hba_file=$cluster/pg_hba.conf -c listen_addresses= -c unix_socket_directories=$sockets -c port=5432 -c archive_mode=off \
-c fsync=off -c full_page_writes=off -c autovacuum=off -c max_wal_size=64MB -c log_min_error_statement=panic"
    runuser -u postgres -- "$bin/pg_ctl" start --silent --wait --timeout=600 --pgdata="$cluster" --log="$moving/log" \
        --options="$options" >/dev/null || { tail -n 15 "$moving/log" >&2; fail "PostgreSQL $version does not start"; }
    # The user postgres is there already.
    gzip --decompress --stdout "$moving/dump.sql.gz" | LC_ALL=C sed '0,/^CREATE ROLE postgres;$/{//d}' |
        runuser -u postgres -- "$bin/psql" --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --host="$sockets" --port=5432 --dbname=postgres \
            --file=- >/dev/null
    runuser -u postgres -- "$bin/vacuumdb" --all --analyze-only --quiet --host="$sockets" --port=5432
    runuser -u postgres -- "$bin/pg_ctl" stop --silent --wait --timeout=600 --mode=fast --pgdata="$cluster"
    rm -f "$cluster"/{postgresql,pg_hba,pg_ident}.conf "$cluster/postmaster.opts"
    rm -rf "$sockets"
    sync --file-system "$home"
    mv "$moving/dump.sql.gz" "$moving/restored.sql.gz"
    sync --file-system "$home"
    trap - EXIT
}

for file in "$home"/*/main/PG_VERSION; do
    [ -e "$file" ] && [ "$file" != "$data/PG_VERSION" ] || continue
    other=$(cat "$file")
    if [ ! -e "$moving/restored.sql.gz" ]; then
        is_unused || fail "the disk holds data of PostgreSQL $other in $(dirname "$file") and of $version in $data: remove what nobody needs"
        # The package has made an empty cluster here, on which the older server would not start, should the disk go back to it.
        rm -rf "${home:?}/$version"
    fi
    if [ -e "$moving/dump.sql.gz" ]; then
        [ "$(sha256sum < "$home/$other/main/global/pg_control")" = "$(cat "$moving/pg_control.sha256")" ] ||
            fail "PostgreSQL $other has run since its data was handed over to $version: deploy the version of this service with" \
                "PostgreSQL $other again, then this one"
        restore
    elif [ ! -e "$moving/restored.sql.gz" ]; then
        fail "the disk holds data of PostgreSQL $other in $(dirname "$file"), and this is $version: only an upgrade of a service that" \
            "runs moves it to a newer one; a snapshot from before leads back to an older one (soop snapshot list)"
    fi
done
if [ -e "$moving/restored.sql.gz" ]; then
    if [ -d "$moving/cluster" ]; then
        rm -rf "$data"  # an empty one, which the package has made
        install --directory --owner=postgres --group=postgres --mode=0755 "$home/$version"
        mv "$moving/cluster" "$data"
        sync --file-system "$home"
    fi
    for file in "$home"/*/main/PG_VERSION; do
        [ "$file" = "$data/PG_VERSION" ] || mv "$(dirname "$(dirname "$file")")" "$moving/"
    done
fi
rm -rf "$moving" "$moving.new"  # also of an upgrade that failed

# An initialisation that was interrupted leaves a folder that no server has started on (there would be a postmaster.opts)
# and that lacks the database made last.
if [ -d "$data" ] && [ ! -e "$data/postmaster.opts" ] && [ ! -e "$data/base/5/PG_VERSION" ]; then
    rm -rf "$data" "$config"
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
