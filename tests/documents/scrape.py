"""A real Prometheus, with our configuration and rules, scrapes a gateway at work: every panel of the dashboard has
something to show, no rule fails, no alert is raised. Run by .ci/deploy, which has Prometheus.
"""
import json
import shutil
import urllib.error
import urllib.parse
import urllib.request

from plant import SOURCE, Plant, eventually, free_port

FAST = "1s"


def main():
    with Plant() as plant:
        listener = plant.subscribe()
        plant.received(listener, "hi6/r1/state/clamp/close", lambda state: state["quality"] == 192)
        target = plant.metrics_url.removeprefix("http://").removesuffix("/metrics")
        config = (SOURCE / "deploy/prometheus/prometheus.yml").read_text(encoding="utf-8")
        assert "127.0.0.1:9464" in config and "interval: 5s" in config
        (plant.path / "prometheus.yml").write_text(
            config.replace("127.0.0.1:9464", target).replace("interval: 5s", f"interval: {FAST}"), encoding="utf-8")
        shutil.copy(SOURCE / "deploy/prometheus/hi6gw.rules.yml", plant.path)
        port = free_port()
        plant.run("prometheus", f"--config.file={plant.path}/prometheus.yml", f"--storage.tsdb.path={plant.path}/data",
                  f"--web.listen-address=127.0.0.1:{port}")

        def ask(path, **query):
            url = f"http://127.0.0.1:{port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
            try:
                with urllib.request.urlopen(url, timeout=5) as reply:
                    return json.load(reply)["data"]
            except urllib.error.URLError:
                return None

        def value(expression):
            answer = ask("query", query=expression)
            return answer["result"] if answer else []

        eventually(lambda: value('up{job="hi6gw"} == 1'), "Prometheus scrapes the gateway")
        plant.publish("hi6/r1/set/clamp/close", '{"value":1,"id":"a"}')
        plant.received(listener, "hi6/r1/result/clamp/close")
        variables = {"$__rate_interval": "15s", "$instance": ".*", "$controller": ".*"}
        shown = 0
        for panel in json.loads((SOURCE / "deploy/grafana/hi6gw.json").read_text(encoding="utf-8"))["panels"]:
            for each in panel["targets"]:
                expression = each["expr"]
                if "hi6gw_tls_" in expression:  # only with TLS, which this plant has not
                    continue
                for name, stands_for in variables.items():
                    expression = expression.replace(name, stands_for)
                eventually(lambda expression=expression: value(expression), f"{panel['title']}: {expression}")
                shown += 1

        def rules():
            return [rule for group in ask("rules")["groups"] for rule in group["rules"]]

        eventually(lambda: all(rule["health"] == "ok" for rule in rules()), "every rule can be evaluated")
        assert all(rule["state"] == "inactive" for rule in rules()), rules()
        print(f"{shown} expressions of the dashboard show something, {len(rules())} alerts are evaluated and silent")


if __name__ == "__main__":
    main()
