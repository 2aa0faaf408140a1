"""The fixtures everyone else's tests stand on."""

import psycopg
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client

from tests.stack_fixtures import LocalPostgres, LocalTemporal


def test_a_new_database_belongs_to_the_owner_and_admits_the_application(local_postgres: LocalPostgres):
    database = local_postgres.create_database()
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("create table thing (id int)")
        owner.execute("grant select on thing to plimsoll_app")
    with psycopg.connect(database.app_url) as application:
        assert application.execute("select current_user, current_database()").fetchone() == (
            "plimsoll_app",
            database.name,
        )
        assert application.execute("select count(*) from thing").fetchone() == (0,)


def test_a_database_can_be_a_copy_of_another(local_postgres: LocalPostgres):
    original = local_postgres.create_database()
    with psycopg.connect(original.owner_url) as owner:
        owner.execute("create table thing as select 7 as id")
    copy = local_postgres.create_database(template=original.name)
    with psycopg.connect(copy.owner_url) as owner:
        assert owner.execute("select id from thing").fetchone() == (7,)


async def test_temporal_answers_in_its_namespace(local_temporal: LocalTemporal):
    client = await Client.connect(local_temporal.address, namespace=local_temporal.namespace)
    found = await client.workflow_service.describe_namespace(
        DescribeNamespaceRequest(namespace=local_temporal.namespace)
    )
    assert found.namespace_info.name == local_temporal.namespace
