"""Build once: service definitions become immutable artifacts in a store."""
