#!/bin/sh
# analyze.sh: three static analysers over the sources that are installed: gcc -fanalyzer, clang-tidy (.clang-tidy says which
# checks, and why not the others) and cppcheck. Clean, or suppressed with a reason in place. Runs in the build directory
# (make analyze); the compiler's options in $ANALYZE_CFLAGS, the source directory in $srcdir. One tool: gcc, clang-tidy or cppcheck.
set -u
out=analyze.${1-all}
jobs=${ANALYZE_JOBS:-2}
want=${1-all}
failed=0
dir="-DTG_ANALYZE -D'TG_SYSCONFDIR=\"/etc\"'"
sources=$(cd "$srcdir" && ls schema/*.c authd/*.c milter/*.c admin/*.c | grep -v '\.pb-c\.c$')
generated=$(ls schema/*.pb-c.c 2>/dev/null)
[ -n "$generated" ] || { echo "build first: make"; exit 1; }

# has NAME: whether this tool is asked for and there.
has() {
    [ "$want" = all ] || [ "$want" = "$1" ] || return 1
    command -v "$1" >/dev/null || { echo "$1 is missing: apt install $1"; failed=1; return 1; }
}
# each COMMAND: once a source, so many at a time; its words go to a file.
each() {
    echo "$sources" | sed "s|^|$srcdir/|" | nice xargs -P "$jobs" -I @@ sh -c "$1" >"$out" 2>&1 || failed=1
    grep -v '^[0-9]* warnings\? \(generated\|treated\)\|^Suppressed \|^Use -header-filter' "$out" | grep -v '^$'
}

if has gcc; then
    echo "== gcc -fanalyzer"
    each "gcc $ANALYZE_CFLAGS $dir -O1 -fanalyzer -Wall -Wextra -Werror -S -o /dev/null @@"
fi
if has clang-tidy; then
    echo "== clang-tidy"
    each "clang-tidy --quiet @@ -- $dir $(echo "$ANALYZE_CFLAGS" | sed 's/-fstack-clash-protection//; s/-D_FORTIFY_SOURCE=[0-9]//')"
fi
if has cppcheck; then
    echo "== cppcheck"
    # getpw… and getgr…: called while there is one thread, at the start or in a command. NULL at the end of a variable list is a
    # pointer in glibc. What is left is suppressed where it is, by "cppcheck-suppress" and a reason. The macros of protobuf-c and jansson
    # are told, for cppcheck reads no headers of the system; it can't expand a table of macros that usage.c has.
    nice cppcheck -q -j "$jobs" --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
        --library=posix --library=gnu -I "$srcdir" -I . -DTG_SYSCONFDIR='"/etc"' --include=config.h \
        -DPROTOBUF_C_VERSION_NUMBER=9999999 -DPROTOBUF_C_MIN_COMPILER_VERSION=1000000 '-Djson_object_foreach(o,k,v)=for (;;)' \
        '-Djson_array_foreach(a,i,v)=for (i = 0, v = 0; i < 9; i++)' --suppress=missingIncludeSystem --suppress=getpwnamCalled \
        --suppress=getpwuidCalled --suppress=getgrnamCalled --suppress=varFuncNullUB '--suppress=preprocessorErrorDirective:*/usage.c' \
        $(echo "$sources" | sed "s|^|$srcdir/|") || failed=1
fi
[ $failed = 0 ] && echo "clean"
exit $failed
