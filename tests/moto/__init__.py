"""AWS's S3 and KMS for tests: moto's server, a process on the loopback."""
