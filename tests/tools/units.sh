#!/bin/sh
# units.sh: the systemd units are no more exposed than SECURITY.md says, as systemd-analyze(1) reckons it, and have no line
# that systemd does not know. Runs in the build directory.
set -u
command -v systemd-analyze >/dev/null || { echo "no systemd-analyze"; exit 77; }
failed=0
for unit in tollgate-authd.service tollgate-milter.service; do
    promised=$(sed -n "s/^| \`$unit\` | \([0-9.]*\) |.*/\1/p" "$srcdir/SECURITY.md")
    [ -n "$promised" ] || { echo "SECURITY.md has no figure for $unit"; exit 1; }
    said=$(systemd-analyze security --offline=true --no-pager "conf/systemd/$unit" 2>&1) || { echo "$said"; exit 77; }
    found=$(echo "$said" | sed -n 's/.*Overall exposure level for .*: \([0-9.]*\) .*/\1/p')
    echo "$unit: $found, promised $promised"
    echo "$found $promised" | awk 'NF == 2 && $1 <= $2 { exit 0 } { exit 1 }' || failed=1
    echo "$said" | grep -i "unknown\|ignoring" && failed=1
done
exit $failed
