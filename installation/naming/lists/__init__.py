"""Lists of classes that networks were trained on, and where their weights lie. No torch."""
