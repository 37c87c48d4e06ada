"""How the gateway's job is done with the vendor's synchronous sample: one requests.get a signal, one after the other.

    seed_poller.py CONTROLLER_PORT BROKER_PORT SIGNALS

What changed is published at once over one bare MQTT 3.1.1 connection, as cheaply as Python can (QoS 0, no library).
"""

import socket
import sys

import requests

controller, broker, signals = (int(argument) for argument in sys.argv[1:])
url = f'http://127.0.0.1:{controller}/project/control/ios/dio/di_val'
head = {'Content-Type': 'application/json; charset=utf-8'}


def text(value):
    data = value.encode()
    return len(data).to_bytes(2, 'big') + data


def packet(kind, body):  # body: less than 128 bytes
    return bytes([kind, len(body)]) + body


mqtt = socket.create_connection(('127.0.0.1', broker))
mqtt.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
mqtt.sendall(packet(0x10, text('MQTT') + b'\x04\x02\x00\x00' + text('')))
mqtt.recv(4)

last = [None] * signals
while True:
    for i in range(signals):
        value = requests.get(url, headers=head, params={'type': 'di', 'blk_no': 3, 'sig_no': i}).json()['val']
        if value != last[i]:
            last[i] = value
            mqtt.sendall(packet(0x30, text(f'hi6/r1/state/in/{i}') + f'{{"value":{value},}}'.encode()))
