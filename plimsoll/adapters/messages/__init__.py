"""Words that leave the house."""
