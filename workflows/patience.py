"""How long the workflows wait, and how they try again. Each duration says why it is what it is."""

from datetime import timedelta

from temporalio.common import RetryPolicy

# A worker that dies mid-express is noticed when its workflow task times out: decided 6 s later
# with 5 s, 11 s later with Temporal's default of 10 s.
WORKFLOW_TASK_PATIENCE = timedelta(seconds=5)

# Below 80 % of the task's patience, so that an express run never needs a heartbeat.
EXPRESS_PATIENCE = timedelta(seconds=3.5)
AT_MOST_ONCE = RetryPolicy(maximum_attempts=1)

# A step of our own: Postgres or a model may be away for a while, so it is tried until it works.
STEP_PATIENCE = timedelta(seconds=15)
UNTIL_IT_WORKS = RetryPolicy(
    initial_interval=timedelta(milliseconds=500), backoff_coefficient=2.0, maximum_interval=timedelta(seconds=30)
)

# A source: its total deadline is the product's patience, not a number of attempts.
CALL_MARGIN = timedelta(seconds=10)  # beside the call itself: database, queueing in the worker
UNTIL_PATIENCE_ENDS = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=2.0, maximum_interval=timedelta(minutes=2)
)

# One look at a release opens some thousand sealed rows.
LOOK_PATIENCE = timedelta(minutes=2)
