"""Face detectors, which find the faces on a frame."""
