#!/bin/bash
# Makes the secrets docker-compose.yml mounts, each once: an existing file is never replaced.
# The folder is for its owner alone; the files in it are readable, because a container sees
# a file secret with the mode it has here and our images do not run as root.
set -euo pipefail

folder="$(cd "$(dirname "$0")" && pwd)/secrets"
mkdir -p "$folder"
chmod 700 "$folder"

once() {
    [ -s "$folder/$1" ] || cat >"$folder/$1"
    chmod 644 "$folder/$1"
}

for name in postgres_superuser postgres_owner postgres_app postgres_temporal; do
    openssl rand -hex 32 | tr -d '\n' | once "$name"
done
openssl rand -hex 32 | tr -d '\n' | once kek
openssl rand -hex 32 | tr -d '\n' | once gateway_callbacks
openssl genpkey -algorithm ed25519 | once seal_key.pem
openssl pkey -in "$folder/seal_key.pem" -pubout | once seal_key.pub
printf 'postgresql://plimsoll_app:%s@postgres:5432/plimsoll' "$(cat "$folder/postgres_app")" | once database_url
printf 'postgresql://plimsoll_owner:%s@postgres:5432/plimsoll' "$(cat "$folder/postgres_owner")" |
    once database_owner_url
echo "The secrets are in $folder. Keep a copy of kek and seal_key.pem where this machine's loss cannot reach it."
