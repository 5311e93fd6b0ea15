#!/bin/sh
# analyze.sh TOOL STAMP SOURCE …: one static analyser over a source (cppcheck: over all of them). Clean: makes the file STAMP, and
# STAMP.d, which tells make of what it depends. Else: prints what was found, and fails. For analyze.mk, in the build directory.
set -u
tool=$1 stamp=$2
shift 2
command -v "$tool" >/dev/null || { echo "$tool is missing: apt install $tool"; exit 1; }
mkdir -p "$(dirname "$stamp")"
flags="$(echo "$ANALYZE_CFLAGS" | sed 's/-fstack-clash-protection//; s/-D_FORTIFY_SOURCE=[0-9]//') -DTG_ANALYZE -DTG_SYSCONFDIR=\"/etc\""

# -MP: a header that is gone is no error.
depends() { gcc $flags -MM -MP -MT "$stamp" -MF "$stamp.d" "$1"; }

case $tool in
    gcc)
        # As it is written, and as it is after inlining: each shows what the other hides.
        depends "$1" && for level in 0 2; do gcc $flags -O$level -fanalyzer -Wall -Wextra -Werror -S -o /dev/null "$1" || exit 1; done ;;
    clang-tidy)
        depends "$1" && clang-tidy --quiet "$1" -- $flags >"$stamp.text" 2>&1
        status=$?
        grep -v '^[0-9]* warnings\? \(generated\|treated\)\|^Suppressed \|^Use -header-filter\|^$' "$stamp.text"
        rm -f "$stamp.text"
        [ $status = 0 ] ;;
    cppcheck)
        # getpw… and getgr…: called while there is one thread, at the start or in a command. readdir: of a directory of one's own; glibc
        # advises against readdir_r. NULL at the end of a variable list is a pointer in glibc. What is left is suppressed where it is,
        # by "cppcheck-suppress" and a reason.
        cppcheck -q --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
            --library=posix --library=gnu -I "$srcdir" -I . -DTG_SYSCONFDIR='"/etc"' --include=config.h \
            --include="$srcdir/tests/tools/cppcheck.h" --suppress=missingIncludeSystem --suppress=getpwnamCalled \
            --suppress=getpwuidCalled --suppress=getgrnamCalled --suppress=readdirCalled --suppress=varFuncNullUB "$@" ;;
esac && touch "$stamp"
