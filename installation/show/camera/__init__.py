"""The camera while the show runs: opening, reading, watching and opening again."""
