#!/bin/sh
# Refuses a configuration that HAProxy would not load, before it is asked to.
exec haproxy -c -q -f /etc/haproxy/haproxy.cfg -f /etc/haproxy/conf.d
