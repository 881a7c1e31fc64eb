"""Brings a MariaDB's schema up to date: runs each migration that has not run yet, in order.

On a node it is one program, made of this folder (``soop_components.build.program_folder``): the standard library, and
the client ``mariadb``. What it has in common with other databases are links to the modules of the block ``postgresql``.
"""
