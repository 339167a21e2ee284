"""What is in front of the machine: frames, cameras, face detection, tracking."""
