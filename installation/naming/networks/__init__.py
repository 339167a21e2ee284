"""The networks that encode crops, including those from label sets' folders."""
