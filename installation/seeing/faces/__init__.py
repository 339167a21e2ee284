"""Face detectors: from a frame to boxes."""
