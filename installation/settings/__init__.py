"""kiosk.yaml as frozen models; all mistakes in the file are reported at once, with lines."""
