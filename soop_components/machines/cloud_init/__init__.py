"""``soop:index:Bootstrap``: what a machine with cloud-init is told at its first start, with a host key made for it.

A kind declares it (``declaration``) beside its native resources; the provider makes it (``resource``).
"""

BOOTSTRAP = "soop:index:Bootstrap"
