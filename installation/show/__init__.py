"""The show, which connects cameras, networks, the guard and the screen."""
