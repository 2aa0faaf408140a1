"""What happens on accounts, from a file or a caller into the log."""
