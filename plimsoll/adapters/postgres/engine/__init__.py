"""What Postgres owes the engine, and which runs it says are open."""
