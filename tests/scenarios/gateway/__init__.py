"""A gateway in front of another service; a package, so that its domain goes with the last of these tests."""
