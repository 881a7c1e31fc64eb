"""What runs only where somebody asks for it, on machines of their own: `make test-real ENVIRONMENT=FILE`."""
