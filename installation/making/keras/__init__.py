"""Teachable Machine's Keras file, made into classifier.onnx before a show."""
