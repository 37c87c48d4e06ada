"""What deploy/ gives to operators works with the gateway as it is: access rules, alerts, dashboard, recipes."""
import json
import re
import subprocess
import tempfile
import tomllib
import unittest

import jinja2
import yaml

from plant import SOURCE, Plant, eventually

RESULT = "hi6/r1/result/clamp/close"


def text(name):
    return (SOURCE / name).read_text(encoding="utf-8")


def series(page):
    """{name: [labels]} of a metrics page."""
    found = {}
    for line in page.splitlines():
        if not line.startswith("#"):
            name, labels = re.match(r"([a-z_0-9]+)(\{.*\})?", line).groups()
            found.setdefault(name, []).append(dict(re.findall(r'([a-z]+)="([^"]*)"', labels or "")))
    return found


def used(expression):
    """The metrics that a PromQL expression refers to, with the label values that it asks for by = and =~."""
    for name, selector in re.findall(r"\b((?:hi6gw|process)_[a-z_0-9]+)(\{[^}]*\})?", expression):
        labels = [(label, value) for label, how, value in re.findall(r'([a-z]+)(=~?)"([^"]*)"', selector or "")]
        yield name, {label: value for label, value in labels if not value.startswith("$")}


class Broker(unittest.TestCase):
    """The access rules for mosquitto, in a real one."""

    LOGIN = {"hi6gw": "gw-secret", "scada": "scada-secret", "viewer": "viewer-secret", "mes": "mes-secret"}

    def plant(self, acl, edit=lambda yaml: yaml):
        conf = text("deploy/mosquitto/hi6gw.conf")
        self.assertIn("\nlistener 1883 127.0.0.1\n", conf)
        conf = re.sub(r"^(listener|persistence) .*$", "", conf, flags=re.MULTILINE)
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        passwords = f"{directory.name}/passwd"
        for at, (user, password) in enumerate(self.LOGIN.items()):
            subprocess.run(["mosquitto_passwd", "-b", *(["-c"] if at == 0 else []), passwords, user, password], check=True)
        subprocess.run(["chmod", "-R", "a+rX", directory.name], check=True)
        conf = conf.replace("/etc/mosquitto/hi6gw.passwd", passwords)
        rules = f"{directory.name}/acl"
        with open(rules, "w", encoding="utf-8") as file:
            file.write(text(acl))
        conf = conf.replace("/etc/mosquitto/hi6gw.acl", rules)
        plant = Plant(conf, self.LOGIN, edit)
        self.addCleanup(plant.stop)
        return plant

    def assert_refused(self, plant, user, topics):
        for topic in topics:
            self.assertFalse(plant.publish(topic, '{"value":1}', user), f"{user} may publish {topic}")

    def test_gateway_says_states_and_scada_commands_what_is_listed(self):
        plant = self.plant("deploy/mosquitto/hi6gw.acl")
        scada = plant.subscribe(user="scada")
        plant.received(scada, "hi6/r1/state/clamp/close", lambda state: state["quality"] == 192)
        plant.received(scada, "hi6/r1/status")
        plant.received(scada, "hi6/gateway/demo/status")
        self.assertTrue(plant.publish("hi6/r1/set/clamp/close", '{"value":1,"id":"a"}', "scada"))
        self.assertEqual(plant.received(scada, RESULT)["state"], "verified")
        viewer = plant.subscribe(user="viewer")
        plant.received(viewer, "hi6/r1/state/clamp/close", lambda state: state["value"] == 1)

        self.assert_refused(plant, "scada", ["hi6/r1/set/clamp/open", "hi6/r2/set/clamp/close", "hi6/r1/state/clamp/close",
                                             RESULT, "hi6/r1/status", "hi6/gateway/demo/status", "hi6/reply/scada/1"])
        self.assert_refused(plant, "viewer", ["hi6/r1/set/clamp/close", "hi6/r1/state/clamp/close"])
        self.assert_refused(plant, "hi6gw", ["hi6/r1/set/clamp/close", "plant/other"])
        # The viewer sees no results: one more command, whose effect it sees.
        self.assertTrue(plant.publish("hi6/r1/set/clamp/close", '{"value":0,"id":"b"}', "scada"))
        plant.received(scada, RESULT, lambda result: result["id"] == "b")
        eventually(lambda: sum("clamp/close" in line for line in viewer.lines) >= 2, "the viewer sees the effect")
        self.assertIsNone(viewer.find("result"))
        # What a second gateway would say reaches the first one.
        self.assertTrue(plant.publish("hi6/r1/status", '{"state":"online","session":"another"}', "hi6gw"))
        eventually(lambda: "\nhi6gw_duplicate_owner 1\n" in plant.metrics(), "a second gateway is noticed")
        # Nothing of what the gateway itself says was refused, nor has it received what it must not.
        self.assertIn("\nhi6gw_mqtt_publish_refused_total 0\n", plant.metrics())

    def test_nobody_without_a_name(self):
        plant = self.plant("deploy/mosquitto/hi6gw.acl")
        done = subprocess.run([*plant.client("mosquitto_pub", None), "-t", "hi6/r1/set/clamp/close", "-m", "1"],
                              capture_output=True, text=True)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("ot authori", done.stderr)

    def test_the_sender_s_name_in_the_topic_is_the_one_that_logged_in(self):
        topics = ('topics: {set: "{prefix}/{controller}/set/{client}/{signal}",'
                  ' result: "{prefix}/{controller}/result/{client}/{signal}"}\n')
        plant = self.plant("deploy/mosquitto/hi6gw-clients.acl",
                           lambda yaml: topics + yaml.replace("address: mw500", "address: mw500, access: rw"))
        scada = plant.subscribe(user="scada")
        mes = plant.subscribe(user="mes")
        plant.received(scada, "hi6/r1/state/clamp/close", lambda state: state["quality"] == 192)
        plant.received(mes, "hi6/r1/state/clamp/close")
        self.assertTrue(plant.publish("hi6/r1/set/scada/clamp/close", "1", "scada"))
        self.assertEqual(plant.received(scada, "hi6/r1/result/scada/clamp/close")["state"], "verified")
        self.assert_refused(plant, "mes", ["hi6/r1/set/scada/clamp/close", "hi6/r1/set/mes/clamp/close"])
        self.assert_refused(plant, "scada", ["hi6/r1/set/mes/job/recipe", "hi6/r1/set/scada/job/recipe"])
        # mes reads its own results, and not those of scada, which came before.
        self.assertTrue(plant.publish("hi6/r1/set/mes/job/recipe", "3", "mes"))
        plant.received(mes, "hi6/r1/result/mes/job/recipe")
        self.assertIsNone(mes.find("result/scada"))
        plant.gateway.says("scada")  # the audit line names the sender


class Recipes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.plant = Plant()
        cls.addClassCleanup(cls.plant.stop)
        cls.listener = cls.plant.subscribe()
        Plant.received(cls.listener, "hi6/r1/state/clamp/close", lambda state: state["quality"] == 192)
        assert cls.plant.publish("hi6/r1/set/clamp/close", '{"value":0,"id":"first"}')
        Plant.received(cls.listener, RESULT)

    def command(self, topic, payload, ended):
        """Gives a command as a recipe would; its result."""
        self.assertTrue(self.plant.publish(topic, payload))
        return Plant.received(self.listener, RESULT, ended)

    def test_each_metric_is_in_the_readme_and_in_an_alert_or_the_dashboard(self):
        known = {name.removeprefix("hi6gw_") for name in re.findall(r'"(hi6gw_[a-z_]+)"', text("src/ops/metrics.cpp"))}
        table = text("README.md").split("### Metrics")[1].split("\n## ")[0]
        named = {name for cell in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`([a-z_]+)", cell)}
        self.assertEqual(named, known)
        operators = text("deploy/prometheus/hi6gw.rules.yml") + text("deploy/grafana/hi6gw.json")
        self.assertEqual({name for name in known if not re.search(rf"hi6gw_{name}\b|hi6gw_{name}_bucket", operators)},
                         {"journal_commits_total"})

    def test_alerts_and_dashboard_use_metrics_that_exist(self):
        there = series(self.plant.metrics())
        expressions = {f"alert {rule['alert']}": rule["expr"]
                       for group in yaml.safe_load(text("deploy/prometheus/hi6gw.rules.yml"))["groups"]
                       for rule in group["rules"]}
        dashboard = json.loads(text("deploy/grafana/hi6gw.json"))
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                expressions[f"panel {panel['title']} {target['refId']}"] = target["expr"]
        for variable in dashboard["templating"]["list"]:
            expressions[f"variable {variable['name']}"] = variable.get("definition", "")
        self.assertGreater(len(expressions), 30)
        for where, expression in expressions.items():
            for name, labels in used(expression):
                if name.startswith("hi6gw_tls_"):  # only with TLS, which this plant has not
                    self.assertIn(f'"{name}"', text("src/ops/metrics.cpp"), where)
                    continue
                self.assertIn(name, there, where)
                for label, wanted in labels.items():
                    if label == "job":  # given by Prometheus
                        continue
                    for value in wanted.split("|"):
                        self.assertIn(value, [each.get(label) for each in there[name]], where)

    def test_dashboard_is_whole(self):
        dashboard = json.loads(text("deploy/grafana/hi6gw.json"))
        ids = [panel["id"] for panel in dashboard["panels"]]
        self.assertEqual(len(ids), len(set(ids)))
        cells = set()
        for panel in dashboard["panels"]:
            place = panel["gridPos"]
            covered = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                       for y in range(place["y"], place["y"] + place["h"])}
            self.assertFalse(covered & cells, f"{panel['title']} overlaps")
            self.assertLessEqual(place["x"] + place["w"], 24)
            cells |= covered

    def test_home_assistant(self):
        entities = [entity for each in yaml.safe_load(text("deploy/recipes/home-assistant.yaml"))["mqtt"]
                    for entity in each.values()]
        environment = jinja2.Environment(undefined=jinja2.StrictUndefined)

        def rendered(topic, template):
            payload = Plant.received(self.listener, topic, lambda state: state["quality"] == 192)
            return environment.from_string(template).render(value_json=payload)

        self.assertEqual(len({entity["unique_id"] for entity in entities}), len(entities))
        for entity in entities:
            value = rendered(entity["state_topic"], entity["value_template"])
            expected = [entity[key] for key in ("payload_on", "payload_off", "state_on", "state_off")
                        if key in entity and not entity[key].startswith("{")]
            if expected:
                self.assertIn(value, expected)
            else:
                float(value)
            for each in entity["availability"]:
                Plant.received(self.listener, each["topic"], lambda payload, each=each: environment.from_string(
                    each["value_template"]).render(value_json=payload) == "online")
            if "command_topic" in entity:
                self.assertFalse(entity["retain"])
                before = sum(RESULT in line for line in self.listener.lines)
                self.plant.publish(entity["command_topic"], entity["payload_on"])
                eventually(lambda: sum(RESULT in line for line in self.listener.lines) > before, "the result")
                last = [line for line in self.listener.lines if RESULT in line][-1]
                self.assertEqual(json.loads(last.partition("\t")[2])["state"], "verified")

    def test_telegraf(self):
        conf = tomllib.loads(text("deploy/recipes/telegraf.conf"))
        consumer = conf["inputs"]["mqtt_consumer"][0]
        self.assertEqual(consumer["topics"], ["hi6/+/state/#"])
        payload = Plant.received(self.listener, "hi6/r1/state/operator/door", lambda state: state["quality"] == 192)
        self.assertIn(consumer["json_time_key"], payload)
        self.assertIn(consumer["json_string_fields"][0], payload)
        tags = {}
        for rule in conf["processors"]["regex"][0]["tags"]:
            tags[rule["result_key"]] = re.sub(rule["pattern"], rule["replacement"].replace("${1}", r"\1"),
                                              "hi6/r1/state/operator/door")
        self.assertEqual(tags, {"controller": "r1", "signal": "operator/door"})

    def test_node_red(self):
        nodes = {node["id"]: node for node in json.loads(text("deploy/recipes/node-red.json"))}
        for node in nodes.values():
            for wire in [to for output in node.get("wires", []) for to in output]:
                self.assertIn(wire, nodes)
            if "broker" in node and node["type"] != "mqtt-broker":
                self.assertEqual(nodes[node["broker"]]["type"], "mqtt-broker")
            if node["type"] == "mqtt out":
                self.assertEqual(node["retain"], "false")
        command = nodes["hi6.command"]["func"]
        topic = re.search(r"msg\.topic = '([^']+)'", command).group(1)
        result = self.command(topic, '{"value":1,"id":"node-red","ttl":2000}', lambda each: each["id"] == "node-red")
        self.assertEqual(result["state"], "verified")


if __name__ == "__main__":
    unittest.main(verbosity=2)
