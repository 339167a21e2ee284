"""`python -m installation` is `kiosk`."""

from installation.cli import start

start()
