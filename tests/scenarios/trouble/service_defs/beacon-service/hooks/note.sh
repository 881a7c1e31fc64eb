#!/bin/sh
# Notes what is asked of this node, and what runs meanwhile; fails where somebody wants it.
set -eu
echo "$SOOP_HOOK $SOOP_ROLE-$SOOP_NODE_NUMBER of $(echo "$SOOP_NODES_WEB" | tr ',' '\n' | wc -l)" >> /var/lib/beacon-hooks
echo "asked to $SOOP_HOOK"
[ ! -e "/run/beacon-$SOOP_HOOK-fails" ]
