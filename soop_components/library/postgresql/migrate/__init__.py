"""Brings a database's schema up to date: runs each migration that has not run yet, in order.

On a node it is one program, made of this folder (``soop_components.build.program_folder``): the standard library, and
modules beside each other.
"""
