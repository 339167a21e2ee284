"""Reading visitors: crops, the classifier, the scheduler, and the settling of labels."""
