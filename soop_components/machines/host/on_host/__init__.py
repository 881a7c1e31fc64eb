"""What a Host does on its machine, as root: the standard library only, sent over the connection each time."""
