"""Reading visitors: crops, the classifier, whose turn it is, and when a label settles."""
