"""Reports a person opens: made by Evidently, kept as files.

Evidently is imported inside functions: it costs six seconds, which only the report owes.
"""
