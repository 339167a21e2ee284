"""The commands of `kiosk`; the only place that reads arguments, prints, and ends the process."""
