"""Makes `python -m installation` do the same as the command `kiosk`."""

from installation.launch import start

start()
