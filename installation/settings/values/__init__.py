"""Reads numbers, picture sizes and camera controls as people write them in YAML."""
