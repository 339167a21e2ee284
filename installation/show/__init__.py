"""The show: where cameras, networks, the guard and the screen meet."""
