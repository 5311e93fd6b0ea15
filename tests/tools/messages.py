#!/usr/bin/python3
"""messages.py: every error message that the programs can print is in docs/troubleshooting.md, word for word, with "…" for what
is filled in. Arguments: the source directory; --list prints the messages instead, file by file.

A message is: a format of tg_fail and of the functions in FORMATS; where that is "%s", the sentences among its arguments; what is
printed to standard error; a sentence that a function returns; and every sentence of the files in ALL, which are little else."""
import pathlib
import re
import sys

# Functions, and which of their arguments (from 0) is the format.
FORMATS = {"tg_fail": 2, "refuse": 3, "tg_check_found": 1, "doctor_error": 1, "doctor_warn": 1, "complain": 1}
ALL = ("author.c", "dump_value.c", "scram.c", "header.c")
NO_ERRORS = ("manual.c", "manual_keeping.c", "template_text.h", "help.c", "complete.c")
STRING = r'"(?:[^"\\]|\\.)*"'


def strip_comments(text):
    text = re.sub(r"'\\?\"'", "0", text)  # the quote as a character
    return re.sub(rf'({STRING})|/\*.*?\*/|//[^\n]*', lambda m: m.group(1) or " ", text, flags=re.S)


def arguments(text, at):
    """The arguments of the call whose parenthesis opens before `at`."""
    depth, begin, found = 1, at, []
    while depth:
        string = re.compile(STRING).match(text, at)
        if string:
            at = string.end()
            continue
        c = text[at]
        depth += (c in "([{") - (c in ")]}")
        if depth == 0 or (c == "," and depth == 1):
            found.append(text[begin:at].strip())
            begin = at + 1
        at += 1
    return found


def wording(expression):
    """A C string expression as the page has it; None where it is no literal."""
    if not re.match(rf'(?:{STRING}|[A-Z_0-9a-z]+|\s)+$', expression) or '"' not in expression:
        return None
    text = "".join(m.group(1) if m.group(1) is not None else "%s"
                   for m in re.finditer(r'"((?:[^"\\]|\\.)*)"|[A-Za-z_0-9]+', expression))
    text = re.sub(r'%[-+ #0]*(?:\*|\d+)?(?:\.(?:\*|\d+))?(?:%s|hh|h|ll|l|z|j)?[diouxXeEfgGcsp]', "…", text.replace("%%", "\0"))
    text = text.replace("\0", "%").replace('\\"', '"').replace("\\\\", "\\").replace("\\n", " ").replace("\\t", " ")
    return normal(text)


def normal(text):
    text = re.sub(r"\s+", " ", text.replace("`", "")).strip()
    return re.sub(r"…[…]+", "…", text)


def sentences(expression, words=1):
    """The texts of an expression, both of a choice too, with so many words at least."""
    for part in re.split(r"[?:](?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)", expression):
        said = wording(part.strip())
        if said and re.search("[a-z]{3}", said.replace("…", "")) and len(said.split()) >= words:
            yield said


def messages(source):
    for folder in ("schema", "authd", "milter", "admin"):
        for file in sorted((source / folder).glob("*.c")):
            if file.name.endswith(".pb-c.c") or file.name in NO_ERRORS:
                continue
            text = strip_comments(file.read_text())
            for said in found_in(text, file.name):
                if said not in ("tollgate: …", "tollgate-authd: …", "tollgate-milter: …", "tollgate:"):
                    yield file.relative_to(source), said


def found_in(text, name):
    for call in re.finditer(r"\b(\w+)\s*\(", text):
        function = call.group(1)
        if function in FORMATS:
            args = arguments(text, call.end())
            place = FORMATS[function]
            if len(args) > place:
                yield from sentences(args[place])
                if not re.search("[a-z]{3}", wording(args[place]) or ""):
                    for arg in args[place + 1:]:
                        yield from sentences(arg, 3)
        elif function == "fprintf" and (args := arguments(text, call.end()))[0] == "stderr":
            yield from sentences(args[1])
        elif function == "fputs" and (args := arguments(text, call.end()))[-1] == "stderr":
            yield from sentences(args[0])
    if name.startswith("dialogue"):
        return  # what it returns are words of its questions
    for value in re.finditer(rf'\breturn\s+((?:[^;"]|{STRING})*);', text):
        if '"' in value.group(1) and "(" not in re.sub(STRING, "", value.group(1)):
            yield from sentences(value.group(1), 3)
    if name in ALL:
        for literal in re.finditer(rf"{STRING}(?:\s*(?:[A-Z_0-9]+\s*)?{STRING})*", text):
            yield from (said for said in sentences(literal.group(0), 3) if re.match("[a-z…']", said))


def main():
    source = pathlib.Path(sys.argv[1])
    if "--list" in sys.argv:
        for file, said in messages(source):
            print(f"{file}\t{said}")
        return 0
    # The page breaks its lines where it likes, and marks messages as code.
    page = normal((source / "docs/troubleshooting.md").read_text())
    missing = sorted({(str(file), said) for file, said in messages(source) if said not in page})
    for file, said in missing:
        print(f"not in docs/troubleshooting.md: {said}    ({file})")
    return 1 if missing else 0


sys.exit(main())
