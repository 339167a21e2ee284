"""The preview of a label set before a show: a map, and figures for the curator."""
