"""The preview of a label set before the show: a map, and facts for the curator."""
