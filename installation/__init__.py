"""A mirror for galleries that names its visitors with the categories machines were taught."""

import time

STARTED_AT = time.monotonic()
"""When the process began, s, as near as it can tell: nothing of the kiosk is imported before."""
