"""Lists of the classes of networks, and the files of their weights, without torch."""
