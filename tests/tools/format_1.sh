#!/bin/sh
# format_1.sh: a store that the first release wrote (tests/data) opens, checks clean, lets its account in, is copied and swept.
# Runs in the build directory.
set -u
user=hv20bl35v1zw password=sx28qscce4ezweqrjkg7d7jwjcfj
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
fail() { echo "$*"; exit 1; }
tar -C "$dir" --no-same-owner -xJf "$srcdir/tests/data/format-1.tar.xz" || fail "can't unpack the store"
mv "$dir/format-1" "$dir/store"
chmod 700 "$dir/store"
printf 'user = ""\nstore = "%s/store"\nmailer = "cat >/dev/null"\n' "$dir" >"$dir/tollgate.conf"
tollgate() { admin/tollgate -c "$dir/tollgate.conf" --json --yes "$@"; }
tollgate store check >"$dir/out" || fail "store check: $(cat "$dir/out")"
grep -q '"ok": *true' "$dir/out" || fail "store check: $(cat "$dir/out")"
echo "$password" | tollgate auth test "$user" | grep -q '"ok": *true' || fail "the account's password is not taken"
echo "$password." | tollgate auth test "$user" | grep -q '"ok": *true' && fail "a wrong password is taken"
tollgate account show "$user" >"$dir/out" || fail "account show"
for wanted in '"192.0.2.0/28"' '"example.com"' '"subdomains": *true' '"status": *"enabled"'; do
    grep -q "$wanted" "$dir/out" || fail "account show has no $wanted: $(cat "$dir/out")"
done
tollgate account ledger "$user" | grep -q "a gift" || fail "the ledger has lost its credit"
tollgate explain --login "$user" --from shop@mail.example.com | grep -q '"verdict": *"accept"' || fail "the account may not send"
tollgate store backup "$dir/backup" >/dev/null || fail "store backup"
tollgate sweep --at "$(date -u -d "+200 days" +%F)" >"$dir/out" || fail "sweep: $(cat "$dir/out")"
tollgate store check >"$dir/out" || fail "store check after the sweep: $(cat "$dir/out")"
tollgate store export "$dir/export" >/dev/null || fail "store export"
grep -q '"format": *1[,}]' "$dir/export" || fail "this store has another format now: $(head -n 1 "$dir/export")"
