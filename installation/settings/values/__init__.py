"""Numbers, sizes and controls of cameras as people write them, and how YAML must have them."""
