"""The commands of `kiosk`. Only this package reads arguments, prints, and ends the process."""
