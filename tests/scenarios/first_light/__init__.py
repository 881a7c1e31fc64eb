"""A first domain, and a second one beside it; a package, so that their project goes with the last of these tests."""
