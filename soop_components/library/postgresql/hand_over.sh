#!/bin/bash
# Runs on the machine that a node has, before it gets one with another major version: writes all that the cluster holds to the
# disk, as SQL, for cluster.sh to read there. The server is stopped from then on, so that nothing is written that would be missing.
# The cluster stays as it is. After a failure the server runs again. Argument: the other major version.
set -euo pipefail
umask 077
cd /

version=$1
home=/var/lib/postgresql
moving=$home/moving

fail() { echo "$*" >&2; exit 1; }

clusters=()
for file in "$home"/*/main/PG_VERSION; do
    [ -e "$file" ] && [ "$(cat "$file")" != "$version" ] && clusters+=("$(dirname "$file")")
done
[ ${#clusters[@]} -gt 0 ] || exit 0  # nothing is there yet
[ "$(findmnt --noheadings --output TARGET --target "$home")" != / ] || fail "$home is not on a disk of its own, so that it goes with this" \
    "machine: dump the databases, mount the role's disk there (disk: {mount: $home}), and load them again"
[ ${#clusters[@]} -eq 1 ] || fail "the disk holds data of several versions of PostgreSQL, ${clusters[*]}: remove those that nobody needs"
data=${clusters[0]}
old=$(cat "$data/PG_VERSION")
bin=/usr/lib/postgresql/$old/bin
unit=postgresql@$old-main.service

[ -x "$bin/pg_dumpall" ] || fail "the disk holds data of PostgreSQL $old in $data, which this machine does not have"
[ -z "$(ls "$data/pg_tblspc")" ] || fail "$data has tablespaces, which are not moved to PostgreSQL $version: move their tables back first"
exec 9>/run/soop-postgresql-moving.lock
flock 9  # one that was killed may not have ended yet
rm -rf "$moving" "$moving.new"  # of an attempt that was killed

# The dump, and the new cluster beside the old one.
size=$(du --summarize --block-size=1M --exclude=pg_wal "$data" | cut -f1)
free=$(df --output=avail --block-size=1M "$home" | tail -n 1 | tr -d ' ')
needed=$((2 * size + 256))
[ "$free" -ge "$needed" ] || fail "the disk has $free MiB free and needs $needed MiB for moving its $size MiB from PostgreSQL $old to" \
    "$version: make the role's disk larger (disk: {size: …}), then update again"

sockets=$(mktemp --directory)
serve_again() {
    runuser -u postgres -- "$bin/pg_ctl" stop --silent --mode=fast --pgdata="$data" >/dev/null 2>&1 || true
    rm -rf "$moving.new" "$sockets"
    systemctl start "$unit" || true
}
trap serve_again EXIT

systemctl stop "$unit"
if runuser -u postgres -- "$bin/pg_ctl" status --pgdata="$data" >/dev/null; then  # of an attempt that was killed
    runuser -u postgres -- "$bin/pg_ctl" stop --silent --mode=fast --pgdata="$data"
fi

# A server that nobody reaches but the user postgres, through a folder of its own.
install --directory --owner=postgres --group=postgres --mode=0700 "$moving.new"
echo "local all postgres peer" > "$sockets/pg_hba.conf"
chown -R postgres:postgres "$sockets"
options="-c config_file=/etc/postgresql/$old/main/postgresql.conf -c hba_file=$sockets/pg_hba.conf -c listen_addresses= \
-c unix_socket_directories=$sockets -c port=5432 -c archive_mode=off"
runuser -u postgres -- "$bin/pg_ctl" start --silent --wait --timeout=600 --pgdata="$data" --log="$moving.new/log" \
    --options="$options" 9>&- >/dev/null || { tail -n 15 "$moving.new/log" >&2; fail "PostgreSQL $old does not start"; }
asking=(runuser -u postgres -- "$bin/psql" --no-psqlrc --quiet --tuples-only --no-align --host="$sockets" --port=5432 --dbname=postgres)
left=$("${asking[@]}" --command="
    SELECT format('the database %s allows no connections', datname) FROM pg_database WHERE NOT datallowconn AND datname <> 'template0'
    UNION ALL SELECT format('the transaction %s is prepared and not committed', gid) FROM pg_prepared_xacts LIMIT 1")
[ -z "$left" ] || fail "$left, and would not be moved to PostgreSQL $version"
"${asking[@]}" --command="SHOW data_checksums" > "$moving.new/checksums"
runuser -u postgres -- "$bin/pg_dumpall" --host="$sockets" --port=5432 --no-password | gzip -1 > "$moving.new/dump.sql.gz"
runuser -u postgres -- "$bin/pg_ctl" stop --silent --wait --timeout=600 --mode=fast --pgdata="$data"

# Whoever starts this cluster again changes its control file: then the dump is worth nothing.
sha256sum < "$data/global/pg_control" > "$moving.new/pg_control.sha256"
sync --file-system "$home"
mv "$moving.new" "$moving"
sync --file-system "$home"
rm -rf "$sockets"
trap - EXIT
