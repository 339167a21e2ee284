"""The camera while the show runs: opening, reading, monitoring and reopening it."""
