"""Reaching a customer in time: strategy, episode, and the one governor of every contact."""
