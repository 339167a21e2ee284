"""What is done before a show and may write files or reach the network; no show comes here."""
