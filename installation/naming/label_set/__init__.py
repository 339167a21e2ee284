"""The folder of a label set under models/: its settings, rows, hidden labels and built file."""
