"""From a camera to tracks of visitors: frames, cameras, face detection, tracking."""
