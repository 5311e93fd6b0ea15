#!/usr/bin/python3
"""make_export.py ACCOUNTS FILE: an export of a store that size, for `tollgate store import`: a customer, a domain, an
association, a network, a day's counters and ten activities for each ten accounts; usage and ledger for each."""
import base64
import hashlib
import json
import sys

NOW = 1700000000


def plan_of(n):
    """Each tenth account is one that sends."""
    return 1000 if n % 10 else 1000000


def records(accounts):
    secret = base64.b64encode(bytes(32)).decode()
    octets = base64.b64encode(bytes(range(32))).decode()
    salt = base64.b64encode(bytes(range(16))).decode()
    tens = range(1, accounts // 10 + 1)
    names = [f"a{n:011d}" for n in range(accounts + 1)]
    yield "meta", {"name": "next-account"}, {"next": accounts + 1}
    yield "meta", {"name": "next-customer"}, {"next": len(tens) + 1}
    yield "meta", {"name": "seal_keys"}, {"keys": [{"number": 1, "secret": secret, "created_at": NOW}]}
    yield "meta", {"name": "store"}, {"format": 1, "uuid": salt, "created_at": NOW, "decoy_key": secret}
    for n in tens:
        yield "customers", {"customer": n}, {"id": n, "name": f"Customer {n}", "email": f"c{n}@example.com",
                                             "terms_accepted_at": NOW, "terms_version": "1", "created_at": NOW}
    for n in range(1, accounts + 1):
        yield "accounts", {"account": n}, {
            "id": n, "username": names[n], "customer_id": min(max(n // 10, 1), len(tens)), "description": f"account {n}",
            "max_domains": 10, "plan_messages": plan_of(n), "plan_since": NOW, "created_at": NOW,
            "credential": {"created_at": NOW, "generation": 1, "salt": salt, "iterations": 4096, "hash": octets,
                           "stored_key": octets, "server_key": octets}}
    for n in range(1, accounts + 1):
        yield "logins", {"username": names[n]}, n
    for n in range(1, accounts + 1):
        used = 10 if n % 10 == 0 else 0
        yield "usage", {"account": n}, {
            "period_start": NOW, "used": used, "extra": 0, "prepaid_left": 0, "prepaid_expires": 0, "total": used, "last_at": NOW,
            "day": NOW // 86400, "day_used": used, "hour_slot": 0, "day_slot": 0, "hour": [0] * 13, "day_hours": [0] * 25}
    for n in tens:
        yield "domains", {"domain": f"d{n:08d}.example.com"}, {
            "domain": f"d{n:08d}.example.com", "customer_id": n, "status": "VERIFIED", "token": "x" * 32, "created_at": NOW, "trusted": True}
    for n in tens:
        yield "associations", {"account": n * 10, "domain": f"d{n:08d}.example.com"}, {"since": NOW}
    for n in tens:
        yield "networks", {"network": f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}", "account": n * 10}, {"since": NOW}
    yield "plans", {"plan": 0, "messages": 1000}, {"messages": 1000, "currency": "EUR", "on_sale": True}
    for n in tens:
        for i in range(10):
            yield "activity", {"account": n * 10, "time_us": (NOW + i) * 1000000, "sequence": i}, {
                "reply": "250 2.0.0 accepted", "sender": f"news@d{n:08d}.example.com", "recipients": 1, "client": "192.0.2.7",
                "queue_id": f"4F{n:010d}"}
    for n in tens:
        yield "daily", {"account": n * 10, "day": NOW // 86400}, {"messages": 10, "recipients": 10}
    for n in range(1, accounts + 1):
        yield "ledger", {"account": n, "time_us": NOW * 1000000, "sequence": n & 0xffffff}, {"amount": plan_of(n), "note": "free"}


def write(accounts, path):
    count = {}
    for db, _, _ in records(accounts):
        count[db] = count.get(db, 0) + 1
    dump = json.JSONEncoder(separators=(",", ":")).encode
    digest = hashlib.blake2b(digest_size=32)
    with open(path, "w", buffering=1 << 20) as out:
        def put(line):
            out.write(line)
            digest.update(line.encode())
        put(dump({"tollgate": "export", "version": 1, "store_format": 1, "records": count}) + "\n")
        for db, key, value in records(accounts):
            put(dump({"db": db, "key": key, "value": value}) + "\n")
        out.write(dump({"end": True, "records": sum(count.values()), "blake2b": digest.hexdigest()}) + "\n")


if __name__ == "__main__":
    write(int(sys.argv[1]), sys.argv[2])
