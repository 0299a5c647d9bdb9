#!/bin/sh
# Run once by the postgres image on an empty data directory: the two roles, the database's owner, the extensions.
# deploy/postgres.py does the same for the private server; tests/deploy/test_postgres.py holds the two together.
set -eu

psql --set ON_ERROR_STOP=1 --no-psqlrc --username "$POSTGRES_USER" --dbname postgres <<'SQL'
\set owner_password `cat /run/secrets/postgres_owner_password`
\set app_password `cat /run/secrets/postgres_app_password`
CREATE ROLE cardiocare_owner LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB PASSWORD :'owner_password';
CREATE ROLE cardiocare_app LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB PASSWORD :'app_password';
ALTER DATABASE cardiocare OWNER TO cardiocare_owner;
REVOKE CONNECT ON DATABASE cardiocare FROM PUBLIC;
GRANT CONNECT ON DATABASE cardiocare TO cardiocare_app;
SQL

psql --set ON_ERROR_STOP=1 --no-psqlrc --username "$POSTGRES_USER" --dbname cardiocare <<'SQL'
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS unaccent;
CREATE EXTENSION IF NOT EXISTS btree_gist;
ALTER DEFAULT PRIVILEGES FOR ROLE cardiocare_owner GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO cardiocare_app;
ALTER DEFAULT PRIVILEGES FOR ROLE cardiocare_owner GRANT USAGE, SELECT ON SEQUENCES TO cardiocare_app;
SQL
