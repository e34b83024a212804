#!/bin/bash
# Makes each database named in POSTGRES_MULTIPLE_DATABASES when the data folder is empty.
set -eu
for database in ${POSTGRES_MULTIPLE_DATABASES//,/ }; do
    psql --username "$POSTGRES_USER" -c "CREATE DATABASE $database"
done
