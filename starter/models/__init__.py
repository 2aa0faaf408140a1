"""What people and processes do with models, the same from API, CLI and start."""
