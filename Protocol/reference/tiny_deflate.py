"""A very small deflate writer (RFC 1951): stored blocks and fixed-Huffman blocks, bit by bit.

It exists so that the compressed vectors do not depend on the zlib of the machine that makes them.
"""

import struct
import zlib

LENGTHS = [(3, 0), (4, 0), (5, 0), (6, 0), (7, 0), (8, 0), (9, 0), (10, 0), (11, 1), (13, 1), (15, 1), (17, 1), (19, 2), (23, 2),
           (27, 2), (31, 2), (35, 3), (43, 3), (51, 3), (59, 3), (67, 4), (83, 4), (99, 4), (115, 4), (131, 5), (163, 5),
           (195, 5), (227, 5), (258, 0)]
DISTANCES = [(1, 0), (2, 0), (3, 0), (4, 0)]
while len(DISTANCES) < 30:
    bits = len(DISTANCES) // 2 - 1
    DISTANCES.append((DISTANCES[-1][0] + (1 << DISTANCES[-1][1]), bits))


class Deflate:
    def __init__(self):
        self.out, self.held, self.count = bytearray(), 0, 0

    def bits(self, value, width):
        self.held |= value << self.count
        self.count += width
        while self.count >= 8:
            self.out.append(self.held & 255)
            self.held >>= 8
            self.count -= 8

    def code(self, value, width):
        """A Huffman code: its most significant bit first."""
        self.bits(int(f"{value:0{width}b}"[::-1], 2), width)

    def align(self):
        if self.count:
            self.bits(0, 8 - self.count)

    def stored(self, data, final=False):
        self.bits(1 if final else 0, 1)
        self.bits(0, 2)
        self.align()
        self.out += struct.pack("<HH", len(data), len(data) ^ 0xFFFF) + data

    def begin_fixed(self, final):
        self.bits(1 if final else 0, 1)
        self.bits(1, 2)

    def symbol(self, number):
        if number < 144:
            self.code(0x30 + number, 8)
        elif number < 256:
            self.code(0x190 + number - 144, 9)
        elif number < 280:
            self.code(number - 256, 7)
        else:
            self.code(0xC0 + number - 280, 8)

    def match(self, length, distance):
        index = max(i for i, (base, _) in enumerate(LENGTHS) if base <= length)
        self.symbol(257 + index)
        self.bits(length - LENGTHS[index][0], LENGTHS[index][1])
        index = max(i for i, (base, _) in enumerate(DISTANCES) if base <= distance)
        self.code(index, 5)
        self.bits(distance - DISTANCES[index][0], DISTANCES[index][1])

    def fixed(self, data, history=b"", final=True, matches=True):
        """data in one fixed block; it may point back into `history`, which the stream already holds."""
        self.begin_fixed(final)
        whole, position, seen = history + data, len(history), {}
        for start in range(len(history) - 2):
            seen[whole[start:start + 3]] = start
        while position < len(whole):
            start, length = seen.get(whole[position:position + 3]), 0
            if matches and start is not None and position - start <= 32768:
                while length < 258 and position + length < len(whole) and whole[start + length] == whole[position + length]:
                    length += 1
            step = length if length >= 3 else 1
            if length >= 3:
                self.match(length, position - start)
            else:
                self.symbol(whole[position])
            for at in range(position, position + step):
                seen[whole[at:at + 3]] = at
            position += step
        self.symbol(256)

    def bytes(self):
        self.align()
        return bytes(self.out)


def wrap(deflated, raw, header=b"\x78\x9c"):
    """A zlib stream (RFC 1950) around a deflate stream that holds `raw`."""
    return header + deflated + struct.pack(">I", zlib.adler32(raw))


def fixed_stream(raw, header=b"\x78\x9c"):
    writer = Deflate()
    writer.fixed(raw)
    return wrap(writer.bytes(), raw, header)
