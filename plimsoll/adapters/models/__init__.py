"""CatBoost models: trained, kept in folders that verify themselves, and asked for scores.

CatBoost is imported inside functions: it costs two seconds and 110 MiB, which the CLI's help
and the API's start do not owe.
"""
