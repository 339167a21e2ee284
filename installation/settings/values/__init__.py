"""Numbers, picture sizes and camera controls: what people write, and what YAML needs instead."""
