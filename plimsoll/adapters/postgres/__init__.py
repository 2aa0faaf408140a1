"""Postgres, the authority on what is true. `tables.py` says what there is, the stores how it is used."""
