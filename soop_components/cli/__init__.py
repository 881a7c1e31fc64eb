"""The command line, ``soop``: one module per verb."""
