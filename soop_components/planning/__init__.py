"""Planning: definitions become plans, by pure functions; nothing is read, written or run."""
