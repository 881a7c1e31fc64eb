#!/bin/bash
# Makes role and database, and sets the password, which comes with the SQL on standard input. Arguments: port, major version.
set -euo pipefail

port=$1
log=/var/log/postgresql/postgresql-$2-main.log

for _ in $(seq 60); do
    pg_isready --quiet --host=/run/postgresql --port="$port" && ready=yes && break
    sleep 0.5
done
if [ -z "${ready:-}" ]; then
    echo "PostgreSQL does not answer; the end of $log:" >&2
    tail -n 15 "$log" >&2 || true
    exit 1
fi
exec psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --host=/run/postgresql --port="$port" --dbname=postgres --file=- >/dev/null
