"""Writes Protocol/vectors/*.json, the same bytes on every machine. `--check` compares instead of writing."""

import json
import pathlib
import sys

import vector_messages
import vector_segments
import vector_streams

VECTORS = pathlib.Path(__file__).resolve().parent.parent / "vectors"


def dump(kind, groups):
    """One vector a line, so that changes read well."""
    lines = [f'{{"format": 1, "kind": "{kind}"']
    for group, vectors in groups.items():
        names = [vector["name"] for vector in vectors]
        assert len(set(names)) == len(names), sorted(n for n in names if names.count(n) > 1)
        rows = ",\n".join(json.dumps(vector, ensure_ascii=True) for vector in vectors)
        lines.append(f'"{group}": [\n{rows}\n]')
    return ",\n".join(lines) + "}\n"


def files():
    made = {area + ".json": dump("messages", groups) for area, groups in vector_messages.build().items()}
    made["segments.json"] = dump("segments", vector_segments.build())
    made["streams.json"] = dump("streams", vector_streams.build())
    return made


def main():
    made, wrong = files(), []
    for name, text in sorted(made.items()):
        path = VECTORS / name
        if "--check" not in sys.argv[1:]:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            wrong.append(name)
    wrong += sorted(p.name for p in VECTORS.glob("*.json") if p.name not in made)
    print("differ: " + ", ".join(wrong) if wrong else f"{len(made)} files are as they should be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
