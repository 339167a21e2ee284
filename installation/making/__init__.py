"""What people do before a show, and what may therefore write files and reach the network."""
