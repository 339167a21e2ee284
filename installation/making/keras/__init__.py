"""Converts Teachable Machine's Keras file to classifier.onnx before a show."""
