#!/bin/sh
# Reads each secret named by a NAME_FILE variable into NAME, then becomes the command.
set -eu

for name in DATABASE_URL DATABASE_OWNER_URL; do
    eval "file=\${${name}_FILE:-}"
    if [ -n "$file" ]; then
        eval "export $name=\$(cat \"\$file\")"
        unset "${name}_FILE"
    fi
done
exec "$@"
