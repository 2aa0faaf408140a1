"""Reports on what was decided."""
