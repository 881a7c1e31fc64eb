"""A Pulumi language host for Python: what stands between Pulumi's engine and a Python program.

The official host comes with Pulumi's installer and is the normal one; this one serves where only the engine can be
built.
"""
