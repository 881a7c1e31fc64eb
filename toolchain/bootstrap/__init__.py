"""Makes a checkout ready to use and takes it down again; what `make` does.

Standard library only: it runs before anything is installed.
"""
