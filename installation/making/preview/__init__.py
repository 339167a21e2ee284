"""A label set looked at before the show: as a map, and as facts for the curator."""
