"""A domain on its way to be deployed: its definition on disk, its artifacts and its environment become a plan."""
