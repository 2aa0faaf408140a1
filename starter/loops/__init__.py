"""What runs beside the work until it is told to stop: each looks into Postgres and does what is owed."""
