"""The plugin's process: what the engine starts, and the server that waits for the next engine."""
