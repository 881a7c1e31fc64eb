#!/bin/sh
# A job that fails, or waits, as long as the scenario wants it to.
[ ! -e /run/tidy-fails ] || { echo "there is nothing to tidy" >&2; exit 3; }
while [ -e /run/tidy-waits ]; do sleep 0.1; done
touch /var/lib/workshop-service-tidy/done
