#!/bin/sh
# Brings Temporal's two databases up to this server's schema. Safe to repeat.
# Runs in temporalio/admin-tools; the databases are made by deploy/postgres/create-roles.sh.
set -eu

SQL_PASSWORD=$(cat /run/secrets/postgres_temporal)
export SQL_PASSWORD

bring_up_to_date() {
    database=$1
    schema=$2
    tool="temporal-sql-tool --plugin postgres12_pgx --ep postgres -p 5432 -u temporal --db $database"
    # Fails when the version table is there already, which is what we want on every later run.
    $tool setup-schema -v 0.0 || echo "$database has a version table"
    $tool update-schema -d "/etc/temporal/schema/postgresql/v12/$schema/versioned"
}

bring_up_to_date temporal temporal
bring_up_to_date temporal_visibility visibility
