"""Keeping watch: what happens on a customer's accounts, and what it says about the next payment."""
