#!/bin/sh
# messages.sh: every error message is in docs/troubleshooting.md.
command -v python3 >/dev/null || { echo "no python3"; exit 77; }
exec python3 "$srcdir/tests/tools/messages.py" "$srcdir"
