"""kiosk.yaml as frozen models; all mistakes in it are reported at once, each with its line."""
