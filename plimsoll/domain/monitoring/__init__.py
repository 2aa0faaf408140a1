"""Whether what a live model reads and says still looks like what it learnt from, and what follows."""
