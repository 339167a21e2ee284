"""The inputs of the method `text`: looks.csv, the prior of each class, and the sentence encoder."""
