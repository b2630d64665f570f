#!/usr/bin/env python3
"""Move the scenes of a recording to other times and write them as pcapng.

usage: retime.py RECORDING.pcap SCENES OUTPUT.pcapng

SCENES has one line per scene: the time at which it really began and the time
at which it shall begin, both in seconds since 1970.  Every packet moves with
the scene it was recorded in, so the times inside a scene stay as recorded.
Packets from before the first scene are left out.

The file is written here and not by a capture tool because those put the
kernel, the tool and at times the machine into the header of the file.
"""

import struct
import sys

COMMENT = (
    "Staged example for Straggler: real clients, stand-in servers, "
    "times shifted. See examples/README.md."
)
INTERFACE = "lan0"
ETHERNET = 1
MICROSECONDS = 6


def read_pcap(path):
    """Yield (microseconds, length on the wire, bytes) of each packet."""
    with open(path, "rb") as file:
        data = file.read()
    order = {b"\xd4\xc3\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">"}.get(data[:4])
    if order is None:
        sys.exit(f"retime: {path} is not a pcap file with microseconds")
    if struct.unpack_from(order + "I", data, 20)[0] != ETHERNET:
        sys.exit(f"retime: {path} was not recorded on Ethernet")
    at = 24
    while at + 16 <= len(data):
        seconds, micros, kept, length = struct.unpack_from(order + "IIII", data, at)
        at += 16
        if kept != length or at + kept > len(data):
            sys.exit("retime: a packet was cut short")
        yield seconds * 1_000_000 + micros, length, data[at : at + kept]
        at += kept


def read_scenes(path):
    """List of (began, shall begin) in microseconds."""
    scenes = []
    with open(path, encoding="ascii") as file:
        for line in file:
            began, target = line.split()
            seconds, _, micros = began.partition(".")
            scenes.append((int(seconds + micros), int(target) * 1_000_000))
    return scenes


def move(packets, scenes):
    """Yield the packets with the times of their scenes."""
    current = -1
    last = 0
    for time, length, data in packets:
        while current + 1 < len(scenes) and time >= scenes[current + 1][0]:
            current += 1
        if current < 0:
            continue
        began, target = scenes[current]
        time += target - began
        if time < last:
            sys.exit("retime: two scenes overlap, their times are too close")
        last = time
        yield time, length, data


def option(code, value):
    return struct.pack("<HH", code, len(value)) + pad(value)


def pad(value):
    return value + bytes(-len(value) % 4)


def block(kind, body):
    size = struct.pack("<I", 12 + len(body))
    return struct.pack("<I", kind) + size + body + size


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__.splitlines()[2])
    recording, scenes, output = sys.argv[1:]
    end = struct.pack("<HH", 0, 0)
    count = 0
    with open(output, "wb") as file:
        # Section header: byte order, version 1.0, length not stated, comment.
        head = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)
        file.write(block(0x0A0D0D0A, head + option(1, COMMENT.encode()) + end))
        # The one interface: link type, no limit on lengths, name, resolution.
        head = struct.pack("<HHI", ETHERNET, 0, 0)
        head += option(2, INTERFACE.encode()) + option(9, bytes([MICROSECONDS]))
        file.write(block(1, head + end))
        for time, length, data in move(read_pcap(recording), read_scenes(scenes)):
            head = struct.pack(
                "<IIIII", 0, time >> 32, time & 0xFFFFFFFF, len(data), length
            )
            file.write(block(6, head + pad(data)))
            count += 1
    print(f"retime: {count} packets")


if __name__ == "__main__":
    main()
