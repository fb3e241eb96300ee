#!/bin/bash
# Run once by the container of PostgreSQL, which is ours alone: nobody has business in the databases it came with.
set -euo pipefail
export PGUSER="${POSTGRES_USER:-postgres}"
/usr/local/bin/create-databases /run/secrets/postgres_roles
psql -qX -v ON_ERROR_STOP=1 -d postgres -c 'REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC'
