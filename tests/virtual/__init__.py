"""Stands for libvirt where there is none: a plugin ``pulumi-resource-libvirt``, see ``tests.native``."""

POOL = "/var/lib/libvirt/images"
"""Folder of the storage pool; a volume's id is its path."""
