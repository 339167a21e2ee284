"""Encoders and classifiers: the networks that look at crops."""
