"""The networks that turn crops into numbers: encoders, and classifiers that label sets bring."""
