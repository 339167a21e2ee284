"""What keeps the show running: the clock, the mailbox between threads, workers, measurements."""
