"""Every way out that is tried: files, kernel, processes, network, libraries."""
