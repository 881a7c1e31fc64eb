#!/bin/sh
# Refuses a configuration that nginx would not load, before it is asked to.
exec nginx -t -q
