"""`python -m installation` is `kiosk`."""

from installation.launch import start

start()
