#!/bin/sh
# Refuses a time that systemd does not understand, and forgets how the last run of an earlier version ended.
# Arguments: the unit, when it runs, the version.
set -eu
systemd-analyze calendar "$2" >/dev/null
systemctl reset-failed "$1" 2>/dev/null || true  # there may be none yet
