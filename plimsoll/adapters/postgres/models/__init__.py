"""Versions of models: how they were made, what they are asked, and what became of it."""
