"""Service Oriented Operation and Provisioning as a Pulumi program."""
