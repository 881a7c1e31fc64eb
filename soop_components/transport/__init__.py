"""Reaching a node: one SSH connection with a host key that is known beforehand."""
