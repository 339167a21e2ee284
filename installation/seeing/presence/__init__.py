"""Who is meant: which of the faces in the picture are read, and from when on."""
