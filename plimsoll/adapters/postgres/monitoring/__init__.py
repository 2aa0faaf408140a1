"""What drift checks read and write."""
