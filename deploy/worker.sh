#!/bin/sh
# A Celery worker in a container. WORKER_QUEUES names its queues, WORKER_POOL its pool (solo on a graphics card).
set -eu
cuda="$(find /opt/venv/lib -type d -path '*/nvidia/*/lib' 2>/dev/null | paste -sd: -)"
[ -z "$cuda" ] || export LD_LIBRARY_PATH="$cuda"
exec celery -A cardiocare_site worker -n "celery@$(hostname)" -Q "${WORKER_QUEUES:?set it to gpu, cpu, io or several}" \
  --pool "${WORKER_POOL:-prefork}" --concurrency "${WORKER_CONCURRENCY:-1}" \
  --without-gossip --without-mingle --loglevel INFO
