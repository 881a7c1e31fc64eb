#!/bin/bash
# Lets Apache listen where its sites are, and nowhere else, and refuses a configuration that it would not load. Arguments: modules.
set -euo pipefail

ports=/etc/apache2/ports.conf
sed --quiet 's/^<VirtualHost .*:\([0-9]*\)>$/Listen \1/p' /etc/apache2/sites-enabled/*.conf | sort --unique > "$ports.new"
if cmp --silent "$ports.new" "$ports"; then rm "$ports.new"; else mv "$ports.new" "$ports"; fi
[ $# -eq 0 ] || a2enmod --quiet --force "$@" >/dev/null
said=$(apachectl configtest 2>&1) || { echo "$said" >&2; exit 1; }
