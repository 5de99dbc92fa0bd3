#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""seeds.py FILE OUT: make the seeds of a corpus file, one file each, in OUT.

The name of a seed begins with "valid" if its input must be accepted, with
"wrong" if it must be refused; run.sh sees to it that this is so.

*.words: a seed a line, "valid: WORDS" or "wrong: WORDS", with \\xNN for bytes
that are not printable; lines that begin with # are comments.

*.hex: sectors, each after some bytes (the head) that are not on the disk, see
the fuzzers. What follows a # is a comment. A line "seed NAME" begins a seed,
"seed NAME like OTHER" one that starts as the bytes of the other. Then:

  f0f1f2     bytes, in hex
  le32 N     little-endian numbers
  le64 N
  text WORD  characters
  sector     the head ends here, the sector begins
  crc        a CRC32C of the sector with these four bytes zero belongs here
  at N       go on at this offset in the sector
  head N     go on at this offset in the head
  broken     leave the checksum as it was before the changes

A sector is filled up with zeros to 512 bytes. The CRC is computed here a bit
at a time, not by the code under test.
"""
import os
import re
import sys

SECTOR = 512


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


class Seed:
    """The bytes of one seed while it is put together."""

    def __init__(self, other=None):
        self.head = bytearray(other.head if other else b'')
        self.sector = bytearray(other.sector if other else b'')
        self.crc_at = other.crc_at if other else None
        self.part = self.sector if other else self.head
        self.at = 0
        self.broken = False

    def put(self, data):
        end = self.at + len(data)
        if end > len(self.part):
            self.part.extend(bytes(end - len(self.part)))
        self.part[self.at:end] = data
        self.at = end

    def go(self, part, at):
        self.part, self.at = part, at

    def word(self, word, rest):
        if word in ('le32', 'le64'):
            self.put(int(next(rest), 0).to_bytes(int(word[2:]) // 8, 'little'))
        elif word == 'text':
            self.put(next(rest).encode())
        elif word == 'sector':
            self.go(self.sector, 0)
        elif word == 'crc':
            self.crc_at = self.at
            self.put(bytes(4))
        elif word == 'at':
            self.go(self.sector, int(next(rest), 0))
        elif word == 'head':
            self.go(self.head, int(next(rest), 0))
        elif word == 'broken':
            self.broken = True
        else:
            self.put(bytes.fromhex(word))

    def finish(self):
        self.go(self.sector, len(self.sector))
        self.put(bytes(SECTOR - len(self.sector)))
        if self.crc_at is None or self.broken:
            return
        self.go(self.sector, self.crc_at)
        self.put(bytes(4))
        self.go(self.sector, self.crc_at)
        self.put(crc32c(self.sector).to_bytes(4, 'little'))


def sectors(lines):
    seeds = {}
    name = None
    for line in lines:
        words = iter(line.split('#')[0].split())
        for word in words:
            if word == 'seed':
                if name:
                    seeds[name].finish()
                name, *like = list(words)
                if name in seeds:
                    sys.exit(f'seed {name}: twice')
                seeds[name] = Seed(seeds[like[1]] if like else None)
            else:
                seeds[name].word(word, words)
    seeds[name].finish()
    return {name: bytes(seed.head + seed.sector) for name, seed in seeds.items()}


def word_lines(lines):
    seeds = {}
    for number, line in enumerate(lines, 1):
        line = line.rstrip('\n')
        if not line or line.startswith('#'):
            continue
        kind, text = re.fullmatch(r'(valid|wrong): (.*)', line).groups()
        seeds[f'{kind}-{number:03}'] = text.encode().decode('unicode_escape').encode('latin-1')
    return seeds


def main():
    path, out = sys.argv[1:]
    with open(path, encoding='ascii') as file:
        seeds = (sectors if path.endswith('.hex') else word_lines)(file)
    os.makedirs(out, exist_ok=True)
    for old in os.listdir(out):
        os.unlink(os.path.join(out, old))
    for name, data in seeds.items():
        if not name.startswith(('valid', 'wrong')):
            sys.exit(f'seed {name}: neither valid nor wrong')
        with open(os.path.join(out, name), 'wb') as file:
            file.write(data)


main()
