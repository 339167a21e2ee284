"""`python -m installation`, which does the same as `kiosk`."""

from installation.launch import start

start()
