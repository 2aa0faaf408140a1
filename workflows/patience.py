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

# A training step on a large file may take hours; what is watched is that it still says something.
A_TRAINING_STEP = timedelta(hours=12)
SILENCE = timedelta(seconds=30)
# A worker may be killed and deployed anew under it, but a defect must not burn the machine for ever.
SEVERAL_TIMES = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(seconds=30),
    maximum_attempts=10,
)

# Labelled rows read anew, two models asked about some ten thousands of them.
A_COMPARISON = timedelta(hours=1)
# A training by hand may take most of a day; the retraining waits for its turn.
ANOTHER_TRAINING, LOOK_AT_ANOTHER_TRAINING = timedelta(days=1), timedelta(minutes=1)

# A hundred thousand sealed rows and a page, on a machine that decides applications meanwhile.
A_DRIFT_CHECK = timedelta(minutes=30)
# Whom an alert is for may be away overnight; after that the record and the console must do.
ALERT_PATIENCE = timedelta(days=1)
ALERT_AGAIN, ALERT_AGAIN_AT_MOST = timedelta(minutes=1), timedelta(hours=1)  # doubling in between

# MLflow is imported anew for it, and may make its store first.
MIRROR_PATIENCE = timedelta(minutes=5)

# A page of an account elsewhere; who is away for longer is read by the schedule's next run.
A_FEED_PAGE, FEED_PATIENCE = timedelta(minutes=1), timedelta(minutes=50)

# One message at a gateway, with the rows before and after it.
A_MESSAGE = timedelta(seconds=30)
# A gateway may be down for a while; after that the step is judged by what its row says.
GATEWAY_PATIENCE = timedelta(hours=6)
BEFORE_ANOTHER_TRY = timedelta(minutes=15)
# An episode that is told of much starts over long before Temporal would ask for it: a look reads all of it again.
LONG_ENOUGH = 1000  # events

# A range of customers, however many; what is watched is that it still says something.
A_SWEEP = timedelta(hours=6)
