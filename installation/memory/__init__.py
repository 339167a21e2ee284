"""Where pixels live: memory that is locked, used again, and overwritten when it is let go."""
