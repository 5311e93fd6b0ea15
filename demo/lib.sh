# lib.sh: what ./quickstart and ./run-tests share: packages, build. Sourced by sh, in the source directory.

say() { printf '%s\n' "$*"; }
fail() { printf '\n%s\n' "$0: $*" >&2; exit 1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else fail "needs root or sudo for: $*"
    fi
}

# Installs what is missing of the packages named; nothing is removed, no question is asked.
need_packages() {
    missing=
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' installed$' || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    say "installing:$missing"
    apt_log=$(mktemp)
    as_root apt-get update -qq || fail "apt-get update failed: is there a network?"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends --no-remove $missing >"$apt_log" 2>&1 ||
        { cat "$apt_log" >&2; fail "apt-get install failed"; }
    rm -f "$apt_log"
}

# What COMMAND installs is not started, with systemd or without. Needs root.
without_services() { # COMMAND …
    [ ! -e /usr/sbin/policy-rc.d ] || { "$@"; return; }
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    trap 'exit 130' INT TERM
    printf '#!/bin/sh\n# of %s, for as long as it installs packages\nexit 101\n' "$0" >/usr/sbin/policy-rc.d
    chmod 755 /usr/sbin/policy-rc.d
    "$@"
    rm -f /usr/sbin/policy-rc.d
    trap - EXIT INT TERM
}

# For what must not be installed, as it would remove another mail server, or start one.
unpack() { # DIR PACKAGE …: takes packages apart in DIR, unless that was done
    unpacked=$1
    shift
    [ ! -e "$unpacked/.complete" ] || return 0
    say "unpacking (not installed, and will not be): $*"
    rm -rf "$unpacked" "$unpacked.deb"
    mkdir -p "$unpacked" "$unpacked.deb" && chmod 777 "$unpacked.deb"
    (
        cd "$unpacked.deb" || exit 1
        apt-get download -qq "$@" >download.log 2>&1 || {
            as_root apt-get update -qq
            apt-get download -qq "$@" >download.log 2>&1
        } || { cat download.log >&2; exit 1; }
    ) || return 1
    for deb in "$unpacked.deb"/*.deb; do dpkg -x "$deb" "$unpacked" || return 1; done
    chmod -R ug-s "$unpacked" # no program with somebody's rights lies about
    rm -rf "$unpacked.deb"
    touch "$unpacked/.complete"
}

# The packages that these files list.
listed_packages() { sed -e '/^#/d' -e '/^$/d' "$@"; }

# build DIR [CONFIGURE-OPTION …]: out of tree; quick where nothing changed.
build() {
    dir=$1
    shift
    [ -x configure ] && [ configure -nt configure.ac ] && [ configure -nt Makefile.am ] || {
        say "preparing the build"
        autoreconf -fi >autoreconf.log 2>&1 || { cat autoreconf.log >&2; fail "autoreconf failed"; }
        rm -f autoreconf.log
    }
    mkdir -p "$dir"
    (
        cd "$dir" || exit 1
        [ -f Makefile ] && [ Makefile -nt ../configure ] || {
            say "configuring"
            ../configure -q "$@" >configure.out 2>&1 || { cat configure.out >&2; exit 1; }
        }
        say "building"
        make -s -j"$(nproc)" all >make.out 2>&1 || { cat make.out >&2; exit 1; }
    ) || fail "the build failed"
}
