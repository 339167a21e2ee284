"""The networks' class lists and weight files. Nothing here imports torch."""
