"""What the method `text` compares: sentences and lists for things, and the sentence encoder."""
