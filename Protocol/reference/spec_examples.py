"""Compares SPEC.md's lines `- Example (file, vector): hex` with the vectors on disk. `--write` refreshes them."""

import json
import pathlib
import re
import sys

PROTOCOL = pathlib.Path(__file__).resolve().parent.parent
EXAMPLE = re.compile(r"- Example \(`([^`]+)`, `([^`]+)`\): `([0-9a-f]*)`")


def main():
    path, known = PROTOCOL / "SPEC.md", {}
    for file in (PROTOCOL / "vectors").glob("*.json"):
        groups = json.loads(file.read_text(encoding="utf-8"))
        known |= {(file.name, vector["name"]): vector["hex"] for vector in groups["valid"]}
    text, differ = path.read_text(encoding="utf-8"), []

    def fresh(match):
        file, name, old = match.groups()
        if known[file, name] != old:
            differ.append(f"{file} {name}")
        return f"- Example (`{file}`, `{name}`): `{known[file, name]}`"

    new = EXAMPLE.sub(fresh, text)
    if "--write" in sys.argv[1:]:
        path.write_text(new, encoding="utf-8")
        differ = []
    print("differ: " + ", ".join(differ) if differ else f"{len(EXAMPLE.findall(text))} examples are as they should be")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
