"""The scenes: for each moment of a show, everything on the screen with its position in pixels."""
