"""Making: what people do before a show, and what may write files or reach the network."""
