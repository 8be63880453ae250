#!/usr/bin/env bash
# Creates two logins in an empty database: the owner of the tables, and the runtime login. Run by PostgreSQL's image.
set -euo pipefail
psql --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname "$POSTGRES_DB" <<SQL
create role chat_owner login createrole password '$(cat /run/secrets/owner_password)';
create role chat_login login inherit password '$(cat /run/secrets/login_password)';
alter database "$POSTGRES_DB" owner to chat_owner;
SQL
