"""What is noted of each run of a stack besides Pulumi's own history."""
