"""The base of services that name none; standard library only, since `make setup` asks before anything is installed."""

DEFAULT_BASE = "debian-12"
