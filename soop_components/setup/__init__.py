"""Makes a computer ready for a project: system packages, base image, a shell's variables; what `soop setup` does.

Standard library only: `make setup` uses it before anything is installed.
"""
