"""``soop:index:Host``: a machine that SOOP did not make itself, made ready to be a node, whatever kind it is of.

A kind declares it (``declaration``) beside its native resources, and returns its ``place``; the provider carries it out
(``resource``), by a program that it runs on the machine (``on_host``).
"""

HOST = "soop:index:Host"
"""Type of the resource."""
