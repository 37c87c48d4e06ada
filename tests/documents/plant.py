"""A broker, a simulated controller and the gateway between them, as processes; and what a subscriber got."""
import json
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request

SOURCE = pathlib.Path(os.environ["SOURCE_DIR"])
BUILD = pathlib.Path(os.environ["BINARY_DIR"])
PATIENCE = 20  # s


def eventually(condition, what):
    deadline = time.monotonic() + PATIENCE
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {PATIENCE} s: {what}")
        time.sleep(0.02)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Program:
    """A child process whose output is read as it comes."""

    def __init__(self, *command, **options):
        self.lines = []
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
        self.reader = threading.Thread(target=lambda: self.lines.extend(iter(self.process.stdout.readline, "")))
        self.reader.start()

    def find(self, pattern):
        return next((match for line in list(self.lines) if (match := re.search(pattern, line))), None)

    def says(self, pattern):
        def look():
            ended = self.process.poll() is not None
            found = self.find(pattern)
            assert found or not ended, f"{self.process.args} ended: {''.join(self.lines)}"
            return found

        return eventually(look, pattern)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join()
        self.process.stdout.close()


class Plant:
    """`broker`: the text of a mosquitto.conf without a listener; `login`: name to password; `edit`: changes the YAML."""

    def __init__(self, broker="allow_anonymous true\n", login=None, edit=lambda yaml: yaml, yaml=None):
        self.login = login or {}
        self.directory = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.directory.name)
        self.path.chmod(0o755)  # mosquitto gives up root and still reads its files
        self.programs = []
        try:
            self.start(broker, edit, yaml or (SOURCE / "deploy/demo.yaml").read_text(encoding="utf-8"))
        except BaseException:
            self.stop()
            raise

    def start(self, broker, edit, yaml):
        self.start_broker(broker)
        simulator = self.run(BUILD / "src/sim/hi6sim", "--scenario", SOURCE / "config/scenarios/demo.yaml")
        url = simulator.says(r"listening on (http://\S+)").group(1)
        yaml = yaml.replace("mqtt://127.0.0.1:1883", f"mqtt://127.0.0.1:{self.port}").replace("http://127.0.0.1:8888", url)
        yaml = yaml.replace("127.0.0.1:9464", "127.0.0.1:0")
        if "hi6gw" in self.login:
            yaml = yaml.replace(f":{self.port}}}", f":{self.port}, username: hi6gw, password: {self.login['hi6gw']}}}")
        file = self.path / "hi6gw.yaml"
        file.write_text(edit(yaml), encoding="utf-8")
        environment = {**os.environ, "STATE_DIRECTORY": str(self.path / "state")}
        self.gateway = self.run(BUILD / "src/hi6gw", "run", "-c", file, env=environment)
        self.metrics_url = self.gateway.says(r"health on (http://\S+)").group(1) + "/metrics"

    def start_broker(self, text):
        """On a free port; mosquitto wants to be told one, and somebody else may be quicker."""
        conf = self.path / "mosquitto.conf"
        for _ in range(10):
            self.port = free_port()
            conf.write_text(f"{text}\nlistener {self.port} 127.0.0.1\n", encoding="utf-8")
            program = self.run("/usr/sbin/mosquitto", "-c", conf)
            if program.says("running|in use").group(0) == "running":
                return
        raise AssertionError("no free port")

    def run(self, *command, **options):
        program = Program(*command, **options)
        self.programs.append(program)
        return program

    def stop(self):
        for program in reversed(self.programs):
            program.stop()
        self.directory.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def client(self, name, user):
        as_user = ["-u", user, "-P", self.login[user]] if user else []
        return [name, "-h", "127.0.0.1", "-p", str(self.port), "-V", "5", "-q", "1", *as_user]

    def subscribe(self, topic="hi6/#", user=None):
        """A subscriber; wait for what it got by `received`."""
        return self.run(*self.client("mosquitto_sub", user), "-t", topic, "-F", "%t\t%p", bufsize=1)

    @staticmethod
    def received(subscriber, topic, condition=lambda payload: True):
        """The first payload of a topic that is so, as JSON."""

        def look():
            for line in list(subscriber.lines):
                there, _, payload = line.rstrip("\n").partition("\t")
                if there == topic and payload.startswith("{") and condition(json.loads(payload)):
                    return json.loads(payload)
            return None

        return eventually(look, topic)

    def publish(self, topic, payload, user=None):
        """Whether the broker took it: with MQTT 5, it says when access is denied."""
        done = subprocess.run([*self.client("mosquitto_pub", user), "-t", topic, "-m", payload], capture_output=True, text=True)
        refused = "Not authorized" in done.stderr
        assert done.returncode == 0 and refused == bool(done.stderr), done
        return not refused

    def metrics(self):
        with urllib.request.urlopen(self.metrics_url, timeout=5) as reply:
            return reply.read().decode()
