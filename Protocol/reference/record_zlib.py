"""Records what one zlib made of two payloads, as recorded_zlib.py. Run once; the result is kept."""

import pathlib
import sys
import zlib

from vector_segments import bomb_raw, busy_raw


def main():
    lines = ['"""Streams of one zlib, made by record_zlib.py and kept, so that every machine has the same bytes."""', "", "STREAMS = {"]
    for name, raw, level, window, strategy in (
            ("busy level 1", busy_raw(), 1, 15, 0), ("busy level 6", busy_raw(), 6, 15, 0), ("busy level 9", busy_raw(), 9, 15, 0),
            ("busy level 6 window 9", busy_raw(), 6, 9, 0), ("busy Huffman only", busy_raw(), 6, 15, zlib.Z_HUFFMAN_ONLY),
            ("bomb", bomb_raw(), 9, 15, 0)):
        machine = zlib.compressobj(level, zlib.DEFLATED, window, 8, strategy)
        text = (machine.compress(raw) + machine.flush()).hex()
        rows = [text[i:i + 110] for i in range(0, len(text), 110)]
        lines.append(f'    "{name}": bytes.fromhex(\n' + "\n".join(f'        "{row}"' for row in rows) + "),")
    pathlib.Path(__file__).with_name("recorded_zlib.py").write_text("\n".join(lines + ["}", ""]))


if __name__ == "__main__":
    sys.exit(main())
