"""What a risk team edits under `watch/`, a module per file; a copy in the home's `watch/` hides the shipped."""
