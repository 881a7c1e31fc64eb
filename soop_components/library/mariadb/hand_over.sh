#!/bin/bash
# Runs on the machine that a node has, before it gets one with a newer MariaDB: stops the server when all that it has written is in its
# tables, and nothing in logs that only this version reads. After a failure it runs again.
set -euo pipefail
[ -d /srv/mariadb/data ] || exit 0  # nothing is there yet
trap 'systemctl start mariadb.service' ERR
if systemctl --quiet is-active mariadb.service; then
    mariadb --no-defaults --socket=/run/mysqld/mysqld.sock --user=root --execute="SET GLOBAL innodb_fast_shutdown = 0"
fi
systemctl stop mariadb.service
if systemctl --quiet is-failed mariadb.service; then
    echo "MariaDB did not end in order; the end of its log:" >&2
    journalctl --unit=mariadb.service --lines=15 --output=cat --no-pager >&2 || true
    false
fi
