#!/bin/sh
# hardened.sh: the programs were built as configure promised ($HARDENED): position-independent, with read-only
# relocations, bound at start, with a stack protector, and with checked string functions. Runs in the build directory.
set -u
[ -n "${HARDENED-}" ] || { echo "built with --disable-hardening"; exit 77; }
command -v readelf >/dev/null || { echo "no readelf"; exit 77; }
failed=0
for program in authd/tollgate-authd milter/tollgate-milter admin/tollgate; do
    elf=$(LC_ALL=C readelf -W -h -l -d --dyn-syms "$program") || exit 1
    for property in $HARDENED; do
        case $property in
        pie) sign='Type: *DYN' ;;
        relro) sign='GNU_RELRO' ;;
        now) sign='BIND_NOW\|Flags: NOW\|FLAGS_1.*NOW' ;;
        stack-protector) sign='__stack_chk_fail' ;;
        fortify) sign='__[a-z]*_chk@' ;;
        *) echo "unknown property: $property"; exit 1 ;;
        esac
        echo "$elf" | grep -q "$sign" || { echo "$program is without: $property"; failed=1; }
    done
    # Whatever else: no writable and executable segment, and no stack that could be run.
    echo "$elf" | grep 'GNU_STACK\|LOAD' | grep -q 'RWE' && { echo "$program has memory that is writable and executable"; failed=1; }
done
exit $failed
