"""What a poll and a change cost, in instructions of the gateway, held to bounds.

Instructions are repeatable where seconds are not. Valgrind counts them in the real program, between a simulator and a broker;
what the program does beside polls and changes is in the figures, too, and small. The bounds are 1.5 times what was measured when
they were set (tests/bench/RESULTS.md): who exceeds one has added work to each poll or message, and says why when he raises it.
"""

import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

POLL = 30_000  # of one unchanged block of 64 bits: request, answer, compare
CHANGE = 105_000  # of one published change: decode, topic, payload, Paho, acknowledgement

BITS = 64
PERIOD = '20ms'
BINARIES = pathlib.Path(os.environ['BINARY_DIR']) / 'src'


def until(done, what, limit=60):
    end = time.monotonic() + limit
    while not done():
        if time.monotonic() > end:
            sys.exit(f'never happened: {what}')
        time.sleep(0.05)


def free_port():
    with socket.socket() as one:
        one.bind(('127.0.0.1', 0))
        return one.getsockname()[1]


def listening(port):
    with socket.socket() as one:
        return one.connect_ex(('127.0.0.1', port)) == 0


def ask(port, method, target, body=None):
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=30)
    connection.request(method, target, body and json.dumps(body))
    text = connection.getresponse().read().decode()
    connection.close()
    return text


class Rig:
    """Simulator, broker and the gateway under callgrind, which counts nothing until it is told to."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.children = []

    def begin(self):
        controller, self.control, broker = (free_port() for _ in range(3))
        self.file('mosquitto.conf', f'listener {broker} 127.0.0.1\nallow_anonymous true\nlog_type none\n')
        self.start('mosquitto', '-c', self.directory / 'mosquitto.conf')
        until(lambda: listening(broker), 'the broker listens')
        self.start('stdbuf', '-oL', 'mosquitto_sub', '-p', broker, '-t', 'hi6/r1/state/#', '-F', '.')
        self.messages_file = self.directory / f'log{len(self.children) - 1}'
        self.start(BINARIES / 'sim/hi6sim', '--port', controller, '--control-port', self.control,
                   '--get-time', '0', '--quiet')
        until(lambda: listening(self.control), 'the simulator listens')
        self.flip(False)
        self.file('hi6gw.yaml', f'''
gateway: {{id: cost, state_dir: "{self.directory}/state"}}
http: {{listen: off}}
mqtt: {{url: "mqtt://127.0.0.1:{broker}"}}
defaults: {{poll: {PERIOD}}}
controllers:
  - name: r1
    url: http://127.0.0.1:{controller}
    max_load: 100%
    signals:
      - {{name: "in/{{i}}", address: "fb3.di{{i}}", for: 0..{BITS - 1}}}
''')
        self.gateway = self.start('valgrind', '--tool=callgrind', '--instr-atstart=no',
                                  f'--callgrind-out-file={self.directory}/%p.%n', BINARIES / 'hi6gw', 'run', '-c',
                                  self.directory / 'hi6gw.yaml')
        until(lambda: self.messages() >= BITS, 'every signal is published')

    def file(self, name, text):
        (self.directory / name).write_text(text)

    def start(self, *arguments):
        log = open(self.directory / f'log{len(self.children)}', 'w')
        child = subprocess.Popen([str(each) for each in arguments], stdout=log, stderr=log, cwd=self.directory)
        self.children.append(child)
        return child

    def flip(self, turned):
        values = [byte % 127 + 1 for byte in range(120)]
        values[:BITS // 8] = [0xFF if turned else 0] * (BITS // 8)
        ask(self.control, 'POST', '/memory', {'name': 'fb3.dib0', 'values': values})

    def reads(self):
        return json.loads(ask(self.control, 'GET', '/stats'))['reads']

    def messages(self):
        return self.messages_file.read_text().count('.')

    def count(self, work):
        """Instructions of the gateway while work() goes on."""
        before = set(self.directory.glob(f'{self.gateway.pid}.*'))
        self.tell('-i', 'on')
        result = work()
        self.tell('-i', 'off')
        self.tell('-d')
        until(lambda: set(self.directory.glob(f'{self.gateway.pid}.*')) - before, 'a dump')
        text = max(set(self.directory.glob(f'{self.gateway.pid}.*')) - before).read_text()
        return int(re.search(r'^totals: (\d+)', text, re.M).group(1)), result

    def tell(self, *words):
        subprocess.run(['callgrind_control', *words, str(self.gateway.pid)], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def show(self):
        for log in sorted(self.directory.glob('log*')):
            print(f'--- {log.name}', log.read_text()[-1000:], sep='\n')

    def stop(self):
        for child in reversed(self.children):
            child.send_signal(signal.SIGTERM)
            child.wait(30)


def polls(rig, number):
    first = rig.reads()
    until(lambda: rig.reads() >= first + number, 'polls')
    return rig.reads() - first


def changes(rig, flips):
    """How many polls went on beside them."""
    reads = rig.reads()
    first = rig.messages()
    for flip in range(1, flips + 1):
        rig.flip(flip % 2 == 1)
        until(lambda: rig.messages() >= first + flip * BITS, 'every change is published')
    return rig.reads() - reads


def judge(rig):
    polls(rig, 50)  # to warm up
    total, number = rig.count(lambda: polls(rig, 300))
    poll = total / number
    total, beside = rig.count(lambda: changes(rig, 10))
    change = (total - beside * poll) / (10 * BITS)
    print(f'an unchanged poll: {poll:,.0f} instructions, {POLL:,} allowed')
    print(f'a published change: {change:,.0f} instructions, {CHANGE:,} allowed')
    return 0 if poll <= POLL and change <= CHANGE else 1


def main():
    missing = [each for each in ('valgrind', 'callgrind_control', 'mosquitto', 'mosquitto_sub') if not shutil.which(each)]
    if missing:
        print(f'skipped: {", ".join(missing)} not installed (deploy/install-deps.sh test)')
        return 77
    with tempfile.TemporaryDirectory() as directory:
        rig = Rig(directory)
        try:
            rig.begin()
            return judge(rig)
        except SystemExit:
            rig.show()
            raise
        finally:
            rig.stop()


if __name__ == '__main__':
    sys.exit(main())
