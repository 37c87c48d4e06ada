#!/bin/bash
# The packages in a Debian that was booted for them: run as root by a unit of it (.ci/package), with nothing but loopback.
# /packages has the packages, and one of a later version; /checkout is ours. Ends with 0 when every check holds.
# shellcheck disable=SC2317  # functions are called by check
set -u
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
failed=0
check() {
    local what=$1
    shift
    if "$@" >/tmp/check.out 2>&1; then
        echo "ok    $what"
    else
        echo "FAIL  $what: $*"
        cat /tmp/check.out
        failed=1
    fi
}
not() { ! "$@"; }
# until_true SECONDS COMMAND...
until_true() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.02
    done
}
now() { date +%s.%N; }
since() { awk "BEGIN { printf \"%.2f\", $(now) - $1 }"; }
state() { systemctl show -P "$1" "${2:-hi6gw}"; }
is() { [ "$(state "$1" "${3:-hi6gw}")" = "$2" ]; }
pid() { state MainPID "${1:-hi6gw}"; }
apt() { apt-get -qq -o Dpkg::Use-Pty=0 --no-install-recommends -y "$@"; }
page() ( # PORT TARGET: what the server there says, without a client
    { exec 3<>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null || return 1
    printf 'GET %s HTTP/1.0\r\n\r\n' "$2" >&3
    cat <&3
)
metric() { page 9464 /metrics | sed -n "s/^$1 //p"; }
connected() { [ "$(state StatusText "${1:-hi6gw}")" = 'broker connected, 1 of 1 controllers online' ]; }
first_value() { # TOPIC [mosquitto_sub's options]
    mosquitto_sub -h 127.0.0.1 -t "$1" -C 1 -W 20 "${@:2}" 2>/dev/null | grep -q '"quality":192'
}
journal() { journalctl -u hi6gw | grep -q "$1"; }
# Its filter of system calls lets it schedule a thread of its own; B is SCHED_BATCH.
send_thread_waits() { ps -L -o comm=,cls= -p "$(pid)" | grep -qE '^MQTTAsync_send +B$'; }
# RELAY VALUE: of the simulated controller.
output_is() { page 8889 "/memory?name=$1" | grep -q "\"value\":$2[^0-9]"; }

echo "--- install, and the first value"
check 'a Debian with systemd runs' test -d /run/systemd/system
began=$(now)
check 'it installs' apt install /packages/hi6gw_*_amd64.deb /packages/hi6sim_*_amd64.deb mosquitto mosquitto-clients
[ "$failed" = 0 ] || exit 1
installed=$(since "$began")
systemd-run -q --unit=robot hi6sim --port 8888 --control-port 8889 --scenario /usr/share/doc/hi6sim/examples/demo.yaml
sed -i 's|192.168.1.150|127.0.0.1|' /etc/hi6gw/hi6gw.yaml
check 'it starts' systemctl start hi6gw
until_true 20 first_value 'hi6/r1/state/temperature' || check 'a value arrives' false
echo "figure: $(since "$began") s from the install command to the first value, $installed s of them apt; package downloaded before"
systemctl stop hi6gw
cp /usr/share/doc/hi6gw/examples/hi6gw.yaml /etc/hi6gw/hi6gw.yaml

echo "--- what is there"
check 'the example is a valid configuration' hi6gw check -c /etc/hi6gw/hi6gw.yaml
check 'and has no warning' not grep -q warning <(hi6gw check -c /etc/hi6gw/hi6gw.yaml)
check 'and writes nothing' not grep -q rw <(hi6gw topics -c /etc/hi6gw/hi6gw.yaml)
check 'the user exists' getent passwd hi6gw
check 'and cannot log in' grep -q nologin <(getent passwd hi6gw)
check 'nothing is enabled by installing' not systemctl is-enabled hi6gw
check 'no package of it is broken' dpkg --verify hi6gw hi6sim
for file in man1/hi6gw.1.gz man5/hi6gw.yaml.5.gz man1/hi6sim.1.gz; do
    check "manual page $file" gzip -t "/usr/share/man/$file"
done

echo "--- the unit"
cat >/etc/hi6gw/hi6gw.yaml <<'YAML'
gateway: {id: line1}
mqtt: {url: mqtt://127.0.0.1:1883}
controllers:
  - name: r1
    url: http://127.0.0.1:8888
    signals:
      - {name: part, address: fb2.di3, events: true}
      - {name: clamp, address: fb2.do3, access: rw}
YAML
cp /etc/hi6gw/hi6gw.yaml /root/good.yaml
check 'it starts, and says so when it runs' systemctl start hi6gw
check 'READY was said by the main process' is ActiveState active
check 'its user is its own' test "$(stat -c %U "/proc/$(pid)")" = hi6gw
check 'the state directory is its own' test "$(stat -c '%U %a' /var/lib/hi6gw)" = 'hi6gw 750'
check 'STATUS says in words how it is connected' until_true 20 connected
check "Paho's send thread interrupts nobody" until_true 5 send_thread_waits
check 'the report of the file is in the journal' until_true 5 journal 'good: 1 controller'
started=$(metric process_start_time_seconds)
check "process_start_time_seconds ($started) is right with /proc hidden" \
    awk "BEGIN { d = $(now) - $started; exit !(d > 0 && d < 60) }"

check 'events are recorded in the state directory' until_true 10 test -s /var/lib/hi6gw/events.db
check 'and published' mosquitto_sub -h 127.0.0.1 -q 1 -t hi6/r1/event/part -C 1 -W 20
check 'somebody who commissions reads by hand' hi6gw read http://127.0.0.1:8888 fb2.di3

echo "--- supervision"
mosquitto_pub -h 127.0.0.1 -q 1 -t hi6/r1/set/clamp -m '{"value":1,"pulse":3000}'
check 'a pulse began' until_true 5 output_is fb2.do3 1
died=$(now)
kill -KILL "$(pid)"
check 'killed, it comes back' until_true 5 is NRestarts 1
check 'and runs' until_true 5 is ActiveState active
check 'and releases what it left pulsed' until_true 5 output_is fb2.do3 0
echo "figure: $(since "$died") s from SIGKILL to the pulsed output released"

# A gateway with a fault of its own (tests/support/stuck), which a file brings about.
mkdir -p /etc/systemd/system/hi6gw.service.d
cat >/etc/systemd/system/hi6gw.service.d/stuck.conf <<'UNIT'
[Service]
WatchdogSec=3
Environment=HI6GW_STUCK=/var/lib/hi6gw/stuck
ExecStart=
ExecStart=/checkout/build/release/tests/support/stuck/hi6gw_stuck run -c /etc/hi6gw/hi6gw.yaml
UNIT
systemctl daemon-reload
systemctl restart hi6gw
another_runs() {
    local runs
    runs=$(pid)
    [ "$runs" != "$stuck" ] && [ "$runs" != 0 ] && is ActiveState active
}
watchdog_timeouts() { [ "$(journalctl -u hi6gw | grep -c 'Watchdog timeout')" = "$1" ]; }
# FAULT WHAT SECONDS HOW_OFTEN_UNTIL_NOW
replaced_by_the_watchdog() {
    local began
    check 'it feeds the watchdog' until_true 20 connected
    stuck=$(pid)
    began=$(now)
    echo "$1" >/var/lib/hi6gw/stuck
    check "$2 stuck, it is replaced" until_true "$3" another_runs
    rm /var/lib/hi6gw/stuck
    check 'by the watchdog' until_true 5 watchdog_timeouts "$4"
    echo "figure: $(since "$began") s until the next one runs, with WatchdogSec=3"
}
replaced_by_the_watchdog loop 'its event loop' 15 1
replaced_by_the_watchdog 8888 'the polling of its controller' 30 2
check 'which it has said' journal 'the polling of r1 makes no progress'
replaced_by_the_watchdog session 'its session with the broker' 40 3
check 'which it has said' journal 'the session with the broker makes no progress'
check 'without leaving a core behind' test -z "$(find / -xdev -name 'core*' -size +1M -newer /root/good.yaml 2>/dev/null)"
rm -r /etc/systemd/system/hi6gw.service.d
systemctl daemon-reload
systemctl restart hi6gw

sed 's|line1|line3|' /root/good.yaml >/etc/hi6gw/line3.yaml # the same port for its operations
check 'a failure at start is not READY' not systemctl start hi6gw@line3
check 'and is tried again' until_true 10 is NRestarts 2 hi6gw@line3
systemctl stop hi6gw
check 'until it works' until_true 10 is ActiveState active hi6gw@line3
systemctl stop hi6gw@line3
rm /etc/hi6gw/line3.yaml
systemctl start hi6gw

echo "--- a changed file, and a broken one"
until_true 20 connected || check 'it is connected' false
running=$(pid)
sed 's|^      - {name: part.*|&\n      - {name: other, address: fb2.di4}|' /root/good.yaml >/etc/hi6gw/hi6gw.yaml
began=$(now)
check 'is applied by a reload' systemctl reload hi6gw
check 'a new signal is published' until_true 10 first_value hi6/r1/state/other
echo "figure: $(since "$began") s from systemctl reload to the first value of a new signal"
check 'by the same process' test "$(pid)" = "$running"
check 'which is active again' until_true 5 is ActiveState active
check 'with the connection that it had' test "$(metric 'hi6gw_connects_total{controller="r1"}')" = 1
running=$(pid)
echo 'nonsense: [' >>/etc/hi6gw/hi6gw.yaml
check 'is refused by a reload' not systemctl reload hi6gw
check 'which changes nothing' test "$(pid)" = "$running"
check 'is refused by a restart' not systemctl restart hi6gw
check 'with the exit code for it' is ExecMainStatus 78
check 'and is not tried again: nothing will mend it' is SubState failed
check 'the journal has the place' journal 'hi6gw.yaml:[0-9]*:[0-9]*: not valid YAML'
cp /root/good.yaml /etc/hi6gw/hi6gw.yaml
check 'mended, it starts' systemctl start hi6gw

echo "--- a broker with access rules, and the password as a credential"
cp /checkout/deploy/mosquitto/hi6gw.conf /etc/mosquitto/conf.d/hi6gw.conf
install -m 640 -g mosquitto /checkout/deploy/mosquitto/hi6gw.acl /etc/mosquitto/hi6gw.acl
mosquitto_passwd -b -c /etc/mosquitto/hi6gw.passwd hi6gw gate
mosquitto_passwd -b /etc/mosquitto/hi6gw.passwd scada screen
chown root:mosquitto /etc/mosquitto/hi6gw.passwd && chmod 640 /etc/mosquitto/hi6gw.passwd
check 'the broker takes our configuration' systemctl restart mosquitto
check 'and not the gateway without its password' until_true 20 grep -q 'disconnected, not auth' /var/log/mosquitto/mosquitto.log
install -d -m 700 /etc/credstore
(umask 077 && echo gate >/etc/credstore/hi6gw.mqtt-password)
sed -i 's|^mqtt: .*|mqtt: {url: mqtt://127.0.0.1:1883, username: hi6gw}|' /etc/hi6gw/hi6gw.yaml
systemctl restart hi6gw
check 'with it, it is let in' until_true 20 connected
check 'and others see its values' first_value hi6/r1/state/part -u scada -P screen
running=$(pid)
check 'a reload finds it, too' systemctl reload hi6gw
reloaded() { metric 'hi6gw_config_reloads_total{result="applied"}' | grep -qx 1; }
check 'and has nothing against it' until_true 10 reloaded
check 'and connects no second time' test "$(metric hi6gw_mqtt_connects_total)" = 1
check 'nobody else can read the password' not runuser -u hi6gw -- cat /etc/credstore/hi6gw.mqtt-password

echo "--- several gateways"
sed -e 's|line1|line2|' -e 's|name: r1|name: r2|' -e '1a http: {listen: 127.0.0.1:9465}' /etc/hi6gw/hi6gw.yaml >/etc/hi6gw/line2.yaml
(umask 077 && echo gate >/etc/credstore/hi6gw@line2.mqtt-password)
check 'an instance starts' systemctl enable --now hi6gw@line2
check 'and is connected' until_true 20 connected hi6gw@line2
sed -e 's|{id: line2}|{id: twin, state_dir: /var/lib/hi6gw@line2}|' -e 's|127.0.0.1:9465|off|' /etc/hi6gw/line2.yaml >/etc/hi6gw/twin.yaml
in_use() { runuser -u hi6gw -- timeout 10 hi6gw run -c /etc/hi6gw/twin.yaml 2>&1 | grep 'in use by another hi6gw'; }
check 'another one with its state directory is refused' in_use
rm /etc/hi6gw/twin.yaml
check 'its state is its own' test "$(stat -c '%U %a' /var/lib/hi6gw@line2)" = 'hi6gw 750'
check 'the other runs on' connected

echo "--- upgrade"
check 'enabled by the operator' systemctl enable hi6gw
cp /etc/hi6gw/hi6gw.yaml /root/edited.yaml
before="$(pid) $(pid hi6gw@line2)"
check 'to a package with another example, without a question' apt install /packages/later/hi6gw_*_amd64.deb
check 'it is the later one' grep -q later <(dpkg-query -W -f '${Version}' hi6gw)
check 'the edited configuration is as it was' cmp /root/edited.yaml /etc/hi6gw/hi6gw.yaml
check 'what ran runs anew' test "$(pid) $(pid hi6gw@line2)" != "$before"
check 'and is connected' until_true 20 connected
check 'the instance, too' until_true 20 connected hi6gw@line2
systemctl stop hi6gw
check 'a downgrade' apt install --allow-downgrades /packages/hi6gw_*_amd64.deb
check 'does not start what was stopped' is ActiveState inactive
check 'but the instance' until_true 20 connected hi6gw@line2

echo "--- remove and purge"
systemctl start hi6gw
check 'it ends in order' systemctl stop hi6gw
check 'with exit code 0' is ExecMainStatus 0
systemctl start hi6gw
check 'remove' apt remove hi6gw
check 'stops it' not pgrep -x hi6gw
check 'keeps the configuration' cmp /root/edited.yaml /etc/hi6gw/hi6gw.yaml
check 'keeps the state' test -d /var/lib/hi6gw
check 'install again' apt install /packages/hi6gw_*_amd64.deb
check 'finds the configuration' cmp /root/edited.yaml /etc/hi6gw/hi6gw.yaml
check 'still enabled' systemctl is-enabled hi6gw
check 'purge' apt purge hi6gw
check 'removes the state' test ! -e /var/lib/hi6gw -a ! -e /var/lib/hi6gw@line2
check 'removes the configuration it made' test ! -e /etc/hi6gw/hi6gw.yaml -a ! -e /etc/hi6gw/signals
check 'keeps what the operator added' test -e /etc/hi6gw/line2.yaml
check 'leaves nothing enabled' not ls /etc/systemd/system/multi-user.target.wants/hi6gw*
check 'the simulator goes, too' apt purge hi6sim
echo "figure: $SECONDS s in the booted Debian"
exit "$failed"
