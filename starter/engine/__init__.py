"""The way to Temporal: the link, the workers, runs, schedules, and what a person does to a run."""
