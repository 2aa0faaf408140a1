"""Accounts elsewhere, as two well-known APIs show them: Plaid's cursor, RazorpayX's count and skip."""

FEEDS = ("plaid", "razorpayx")
