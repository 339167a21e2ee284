"""The inputs of the method `text`: sentences and lists for classes, and the sentence encoder."""
