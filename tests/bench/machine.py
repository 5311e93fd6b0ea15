"""What the figures were taken on."""
import json
import os
import pathlib
import platform
import re
import subprocess
import time


def first(pattern, path):
    found = re.search(pattern, pathlib.Path(path).read_text(), re.M)
    return found.group(1) if found else "?"


def version(package):
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def describe(directory, floor):
    packages = ("libmilter1.0.1", "liblmdb0", "libsasl2-2", "libevent-core-2.1-7", "postfix", "rspamd", "redis-server", "opendkim",
                "dovecot-core", "sasl2-bin", "postfwd", "policyd-rate-limit")
    return {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "cpu": first(r"^model name\s*: (.*)", "/proc/cpuinfo"),
        "virtual": "hypervisor" in first(r"^flags\s*: (.*)", "/proc/cpuinfo").split(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(int(first(r"^MemTotal:\s*(\d+)", "/proc/meminfo")) / 2**20, 1),
        "kernel": platform.release(),
        "file_system": subprocess.run(["stat", "-f", "-c", "%T", directory], capture_output=True, text=True, check=False).stdout.strip(),
        "load": os.getloadavg()[0],
        "floor": json.loads(subprocess.run([floor, directory], capture_output=True, text=True, check=True).stdout),
        "versions": {p: v for p in packages if (v := version(p))},
    }


def text(about):
    floor = about["floor"]
    return (f"{about['date']}: {about['cores']} cores ({about['cpu']}{', virtual' if about['virtual'] else ''}), "
            f"{about['memory_gib']} GiB, Linux {about['kernel']}, {about['file_system']}; load before: {about['load']:.2f}\n"
            f"floor: fdatasync {floor['sync_p50_us']:.0f} us (p99 {floor['sync_p99_us']:.0f}), LMDB commit of 3 records "
            f"{floor['commit_p50_us']:.0f} us (p99 {floor['commit_p99_us']:.0f}), LMDB read {floor['read_us']:.2f} us, "
            f"BLAKE2b {floor['blake2b_us']:.2f} us\n"
            + ", ".join(f"{name} {number}" for name, number in about["versions"].items()))
