#!/bin/sh
# The auth service and the queue must answer before the store starts.
exec minio "$@"
