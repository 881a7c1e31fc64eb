"""Builds a service definition's folder into an artifact, once: packages locked and fetched, files packed."""
