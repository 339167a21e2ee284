"""The show. It connects the camera, the networks, the sandbox (the guard) and the screen."""
