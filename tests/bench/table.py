"""Results as text: each group's first row is what the others are compared with."""

COLUMNS = (("rate/s", "rate", "{:.0f}"), ("CPU us", "cpu_us", "{:.1f}"), ("p50 us", "p50_us", "{:.0f}"),
           ("p99 us", "p99_us", "{:.0f}"), ("step p50", "step_p50_us", "{:.0f}"), ("step p99", "step_p99_us", "{:.0f}"))


def groups(results):
    """[(group, rows)] in their order."""
    found = {}
    for row in results["rows"]:
        found.setdefault(row["group"], []).append(row)
    return list(found.items())


def ratio(row, reference, name):
    return row[name] / reference[name] if row.get(name) and reference.get(name) else None


def cells(row, reference):
    values = [layout.format(row[name]) if name in row else "-" for _, name, layout in COLUMNS]
    for name in ("cpu_us", "rate"):
        value = ratio(row, reference, name)
        values.append("-" if value is None else f"{value:.2f}")
    rounds = f"{row['counted']}/{row['rounds']}"
    return [row["subject"], *values, rounds]


def text(results):
    heads = [head for head, _, _ in COLUMNS] + ["x CPU", "x rate", "rounds"]
    lines = []
    for group, rows in groups(results):
        lines.append(f"{group}  (of each {rows[0]['unit']}; x: relative to the first line)")
        lines.append(f"  {'':34}" + "".join(f"{h:>10}" for h in heads))
        for row in rows:
            if "error" in row:
                lines.append(f"  {row['subject']:34}{row['error']}")
                continue
            first, *rest = cells(row, rows[0])
            flag = "  lost or failed: %d" % row["failures"] if row["failures"] else ""
            lines.append(f"  {first:34}" + "".join(f"{c:>10}" for c in rest) + flag)
        lines.append("")
    return "\n".join(lines)
