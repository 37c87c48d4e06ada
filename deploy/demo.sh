#!/bin/bash
# From a fresh Debian 12 to a running system: installs what is missing, builds, starts a broker, a simulated robot
# controller and the gateway on free ports, shows the changes as they arrive at the broker, and sends one command.
# Ctrl-C ends it all.
#   deploy/demo.sh [--once]        --once: ends by itself, successfully, when enough changes were seen and the command
#                                  was carried out
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin  # where Debian puts mosquitto

once=
case ${1:-} in
    '') ;;
    --once) once=1 ;;
    *) sed -n '2,6p' "$0"; exit 64 ;;
esac
enough=30 # changes until --once is content
command_at=10 # changes until the command is sent
limit=60  # s until --once gives up

deploy/install-deps.sh build demo
build=build/product
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
mkdir -p build
[ -x $build/src/hi6gw ] || echo "building hi6gw and hi6sim, a few minutes the first time (log: build/demo.log)"
if ! { cmake --preset product && cmake --build $build -j "$(.ci/jobs)" --target hi6gw hi6sim; } >build/demo.log 2>&1; then
    tail -n 40 build/demo.log
    exit 1
fi

work=$(mktemp -d)
started=() # process ids, in the order in which they are to end
ended() {
    local pid
    trap - EXIT
    trap '' INT TERM
    for pid in "${started[@]}"; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap ended EXIT
trap 'exit 0' INT
trap 'exit 1' TERM
fail() {
    echo "demo: $1" >&2
    tail -n 20 "$work"/*.log >&2
    exit 1
}

accepts() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
free_port() {
    local port
    while port=$((20000 + RANDOM % 10000)); accepts "$port"; do :; done
    echo "$port"
}
# until_true SECONDS COMMAND...
until_true() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.1
    done
}
# start NAME COMMAND...: in a session of its own, so that Ctrl-C reaches this script alone and things end in order.
start() {
    local name=$1
    shift
    setsid "$@" >"$work/$name.log" 2>&1 &
    started=($! "${started[@]}")
}

broker=$(free_port)
printf '%s\n' "listener $broker 127.0.0.1" 'allow_anonymous true' 'set_tcp_nodelay true' >"$work/mosquitto.conf"
start broker mosquitto -c "$work/mosquitto.conf"
until_true 10 accepts "$broker" || fail "the broker does not start"

start hi6sim "$build/src/sim/hi6sim" --scenario config/scenarios/demo.yaml
url_of() { grep -m 1 -oE "$1 on http://[^ ]+" "$work/hi6sim.log" | grep -oE 'http://.*'; }
until_true 10 url_of control >/dev/null || fail "the simulator does not start"

http=$(free_port)
sed -e "s|mqtt://127.0.0.1:1883|mqtt://127.0.0.1:$broker|" -e "s|http://127.0.0.1:8888|$(url_of listening)|" \
    -e "s|127.0.0.1:9464|127.0.0.1:$http|" deploy/demo.yaml >"$work/demo.yaml"
mkdir "$work/state"
STATE_DIRECTORY=$work/state start hi6gw "$build/src/hi6gw" run -c "$work/demo.yaml"

if [ -t 1 ]; then
    grey=$'\e[90m' bold=$'\e[1m' green=$'\e[32m' red=$'\e[31m' yellow=$'\e[33m' plain=$'\e[0m'
else
    grey='' bold='' green='' red='' yellow='' plain=''
fi
cat <<TEXT
${bold}hi6sim -> hi6gw -> mosquitto${plain}
  all messages   mosquitto_sub -p $broker -t 'hi6/#' -v
  metrics        curl http://127.0.0.1:$http/metrics
  a command      mosquitto_pub -p $broker -t hi6/r1/set/clamp/close -m '{"value":1,"id":"order-1"}'
  set an input   curl -X POST $(url_of control)/memory -d '{"name":"fb2.di0","value":1}'
${grey}time          signal                      value${plain}
TEXT

# field JSON NAME: the value of a scalar in the gateway's flat JSON, bare.
field() { [[ $1 =~ \"$2\":(\"([^\"]*)\"|([^,}]*)) ]] && echo "${BASH_REMATCH[2]}${BASH_REMATCH[3]}"; }

# One line for each message; ends, when asked to, after enough changes of a connected system and the command's result.
show() {
    local topic payload stamp value quality changes=0 clock colour commanded='' answered=''
    declare -A last=()
    while IFS=$'\t' read -r topic payload; do
        if [[ $topic == */set/* ]]; then
            printf '%(%H:%M:%S)T      %-26s  %s\n' -1 "${topic#hi6/r1/}" "$bold$payload$plain"
            continue
        elif [[ $topic == */result/* ]]; then
            value=$(field "$payload" state)
            colour=$red
            [ "$value" != verified ] || { colour=$green; answered=1; }
            printf '%(%H:%M:%S)T      %-26s  %s%s%s read back %s, %s ms\n' -1 "${topic#hi6/r1/}" "$colour" "$value" \
                "$plain" "$(field "$payload" readback)" \
                $(($(field "$payload" "done") - $(field "$payload" received)))
            continue
        fi
        stamp=$(field "$payload" timestamp) || continue
        printf -v clock '%(%H:%M:%S)T.%03d' $((stamp / 1000)) $((stamp % 1000))
        if [[ $topic != */state/* ]]; then
            value=$(field "$payload" state)
            colour=$yellow
            [ "$value" != online ] || colour=$green
            printf '%s  %-26s  %s%s%s %s\n' "$grey$clock$plain" "${topic#hi6/}" "$colour" "$value" "$plain" \
                "$(field "$payload" reason || true)"
            continue
        fi
        value=$(field "$payload" text || field "$payload" value)
        colour=$bold
        quality=$(field "$payload" quality)
        [ "$quality" = 192 ] || { colour=$red; value+=" (quality $quality)"; }
        printf '%s  %-26s  %s%s%s%s\n' "$grey$clock$plain" "${topic#hi6/r1/state/}" \
            "$grey${last[$topic]:+${last[$topic]} -> }$plain" "$colour" "$value" "$plain"
        [ -z "${last[$topic]:-}" ] || [ "$quality" != 192 ] || changes=$((changes + 1))
        last[$topic]=$value
        if [ -z "$commanded" ] && [ "$changes" -ge "$command_at" ]; then
            commanded=1
            mosquitto_pub -p "$broker" -q 1 -t hi6/r1/set/clamp/close -m '{"value":1,"id":"demo-1"}' || return 1
        fi
        [ -z "$once" ] || [ "$changes" -lt "$enough" ] || [ -z "$answered" ] ||
            { echo "$changes changes seen, 1 command carried out"; return 0; }
    done
    return 1 # the subscriber ended
}
deadline=()
[ -z "$once" ] || deadline=(-W "$limit")
exec 4< <(exec setsid mosquitto_sub -p "$broker" -t 'hi6/#' -F '%t\t%p' "${deadline[@]}")
started=($! "${started[@]}")
show <&4 || fail "the messages ended before $enough changes and a command's result were seen"
