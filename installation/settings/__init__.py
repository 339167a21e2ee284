"""kiosk.yaml as frozen models, and every mistake in it, each with its line."""
