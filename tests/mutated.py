"""Damage to files, made from a seed: bytes that a disk, a copy or an attacker changed."""

from __future__ import annotations

import random


def mutated(data: bytes, random_: random.Random) -> bytes:
    """The bytes with one thing changed: a bit, a byte, a piece lost, doubled, swapped or added."""
    place, end = (random_.randrange(len(data)) for _ in range(2))
    start, end = sorted((place, end))
    piece = data[start:end]
    match random_.randrange(8):
        case 0 | 1:
            return (
                data[:place] + bytes([data[place] ^ 1 << random_.randrange(8)]) + data[place + 1 :]
            )
        case 2:
            return data[:place] + random_.randbytes(1) + data[place + 1 :]
        case 3:
            return data[:place]
        case 4:
            return data[:start] + data[end:]
        case 5:
            return data[:end] + piece[:200] + data[end:]
        case 6:
            return data[:start] + bytes(min(len(piece), 8)) + data[start + min(len(piece), 8) :]
        case _:
            return data[:place] + random_.randbytes(random_.randrange(1, 9)) + data[place:]
