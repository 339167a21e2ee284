"""Reading visitors: crops, the classifier, the scheduler, and the settling of labels.

To read a visitor is to compute the classifier's scores for them on one frame.
"""
