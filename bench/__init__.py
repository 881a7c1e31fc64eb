"""Figures: how fast SOOP is, measured side by side with what else one would use, in one run on one machine.

``make bench`` runs all of them, prints a table, and writes every sample to ``.cache/bench/``. Ratios travel from one
machine to another; seconds do not.
"""
