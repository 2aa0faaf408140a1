"""Accounts elsewhere: clients of the APIs that hand out transactions page by page."""
