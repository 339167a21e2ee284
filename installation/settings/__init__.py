"""kiosk.yaml as frozen models; all mistakes are reported at once, with their line numbers."""
