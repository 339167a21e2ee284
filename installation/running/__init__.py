"""What keeps the show going: the clock, the mailbox, the worker."""
