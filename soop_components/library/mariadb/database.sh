#!/bin/bash
# Makes database and owner, and sets the password, which comes with the SQL on standard input.
set -euo pipefail

for _ in $(seq 240); do
    mariadb-admin --no-defaults --socket=/run/mysqld/mysqld.sock --silent ping >/dev/null 2>&1 && ready=yes && break
    sleep 0.5
done
if [ -z "${ready:-}" ]; then
    echo "MariaDB does not answer; the end of its log:" >&2
    journalctl --unit=mariadb.service --lines=15 --output=cat --no-pager >&2 || true
    exit 1
fi
exec mariadb --no-defaults --socket=/run/mysqld/mysqld.sock --user=root --default-character-set=utf8mb4 --batch mysql
