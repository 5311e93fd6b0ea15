"""Results as one HTML page that needs nothing else: bars are inline SVG."""
import html as escape

import machine
import table

WIDTH, LABEL, BAR, GAP = 760, 240, 18, 6
STYLE = """body{font:15px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#222}
h2{font-size:1.05em;margin:2em 0 .3em}td,th{padding:.1em .7em;text-align:right}td:first-child,th:first-child{text-align:left}
table{border-collapse:collapse;font-size:13px}tr:nth-child(even){background:#f3f3f3}pre{white-space:pre-wrap;font-size:13px}
figcaption{font-size:13px;color:#555}figure{margin:.5em 0}"""


def bars(rows, name, caption, layout):
    """One bar a row, as long as its figure; Tollgate's are darker."""
    rows = [row for row in rows if row.get(name)]
    if not rows:
        return ""
    most, parts = max(row[name] for row in rows), []
    for i, row in enumerate(rows):
        y, length = i * (BAR + GAP), max(1, row[name] / most * (WIDTH - LABEL - 110))
        colour = "#1f5f8b" if row["subject"].startswith("Tollgate") else "#9db8c9"
        parts.append(f'<text x="{LABEL - 8}" y="{y + 14}" text-anchor="end">{escape.escape(row["subject"])}</text>'
                     f'<rect x="{LABEL}" y="{y}" width="{length:.1f}" height="{BAR}" fill="{colour}"/>'
                     f'<text x="{LABEL + length + 6:.1f}" y="{y + 14}">{layout.format(row[name])}</text>')
    height = len(rows) * (BAR + GAP)
    return (f'<figure><figcaption>{caption}</figcaption><svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
            f'font-family="sans-serif" font-size="13" role="img" aria-label="{caption}">{"".join(parts)}</svg></figure>')


def figures(rows):
    heads = ["", *(head for head, _, _ in table.COLUMNS), "× CPU", "× rate", "rounds"]
    lines = ["<tr>" + "".join(f"<th>{head}</th>" for head in heads) + "</tr>"]
    for row in rows:
        if "error" in row:
            lines.append(f"<tr><td>{escape.escape(row['subject'])}</td><td colspan=9>{escape.escape(row['error'])}</td></tr>")
        else:
            lines.append("<tr>" + "".join(f"<td>{escape.escape(c)}</td>" for c in table.cells(row, rows[0])) + "</tr>")
    return "<table>" + "".join(lines) + "</table>"


def html(results):
    parts = [f"<!doctype html><html lang=en><meta charset=utf-8><title>Tollgate: benchmarks</title><style>{STYLE}</style>",
             "<h1>Tollgate beside its peers</h1>", f"<pre>{escape.escape(machine.text(results['machine']))}</pre>",
             f"<p>Medians over rounds taken in turn, of which those count where the host took less than {results['steal_max']:.0%} "
             "of the cores away (rounds: counted/taken). CPU is the server's own, of all its processes; × is relative to the "
             "first line. tests/bench/README.md says how to read it.</p>"]
    if results["missing"]:
        parts.append(f"<p>Not measured, for want of: {escape.escape(', '.join(results['missing']))}.</p>")
    for group, rows in table.groups(results):
        unit = rows[0]["unit"]
        parts += [f"<h2>{escape.escape(group)}</h2>", bars(rows, "cpu_us", f"CPU microseconds a {unit} (less is better)", "{:.1f}"),
                  bars(rows, "rate", f"{unit}s a second (more is better)", "{:.0f}"), figures(rows)]
        notes = [f"{row['subject']}: {row['note']}" for row in rows if row["note"]]
        if notes:
            parts.append(f"<p><small>{escape.escape('; '.join(notes))}.</small></p>")
    return "\n".join(parts) + "\n"
