"""Cameras, face detection and tracking: everything between a camera and the tracks of visitors."""
