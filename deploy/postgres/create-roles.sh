#!/bin/bash
# Run once by the postgres image on an empty volume: roles with the passwords of the
# mounted secrets, and the databases they own.
#   plimsoll_owner   owns the schema, used by migrations alone
#   plimsoll_app     what the product connects as; owns nothing
#   temporal         Temporal's own two databases, nothing of ours
set -euo pipefail

secret() { cat "/run/secrets/$1"; }

psql --username "$POSTGRES_USER" --dbname postgres --set ON_ERROR_STOP=1 \
    --set owner="$(secret postgres_owner)" \
    --set app="$(secret postgres_app)" \
    --set temporal="$(secret postgres_temporal)" <<'SQL'
SET log_min_error_statement = 'panic';
CREATE ROLE plimsoll_owner LOGIN PASSWORD :'owner';
CREATE ROLE plimsoll_app LOGIN PASSWORD :'app';
CREATE ROLE temporal LOGIN PASSWORD :'temporal';
CREATE DATABASE plimsoll OWNER plimsoll_owner;
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
REVOKE ALL ON DATABASE plimsoll, temporal, temporal_visibility FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE plimsoll TO plimsoll_app;
SQL
