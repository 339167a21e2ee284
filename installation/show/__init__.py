"""The show: connects cameras, networks, the guard and the screen."""
