"""The scenes: what is on the screen, placed to the pixel, for each moment of a show."""
