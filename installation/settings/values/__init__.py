"""Numbers and sizes as people write them, and how they must be written in YAML."""
