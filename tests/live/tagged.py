"""Sends TCP segments with every number of tags as they stand on a wire: of each kind ten from outside that tell nothing, and
one of a client.

usage: tagged.py INTERFACE
"""

import socket
import struct
import sys

CLIENT = bytes([10, 99, 0, 2])
OUTSIDE = bytes([198, 51, 100, 77])
TAGS = [
    b"",
    b"\x81\x00\x00\x05",
    b"\x88\xa8\x00\x06\x81\x00\x00\x05",
    b"\x81\x00\x00\x06\x81\x00\x00\x05",
]


def segment(source, target, ports):
    payload = b"\x17\x03\x03\x04\x00" + bytes(1000)
    tcp = struct.pack(">HHIIBBHHH", *ports, 1, 1, 0x50, 0x10, 500, 0, 0) + payload
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0x4000, 64, 6, 0)
    return ip + source + target + tcp


link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
link.bind((sys.argv[1], 0))
for tags in TAGS:
    # To nobody: no machine answers.
    ends = b"\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02"
    for _ in range(10):
        link.send(ends + tags + b"\x08\x00" + segment(OUTSIDE, CLIENT, (443, 40000)))
    link.send(ends + tags + b"\x08\x00" + segment(CLIENT, OUTSIDE, (40000, 443)))
