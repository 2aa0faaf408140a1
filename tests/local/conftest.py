from tests.stack_fixtures import local_postgres, local_temporal  # noqa: F401
