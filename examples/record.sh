#!/bin/bash
# Records office.pcapng, the example capture of Straggler.
#
#   sudo ./record.sh [OUTPUT]        default: office.pcapng beside this script
#
# Real clients (curl, dig, openssl s_client) talk to local servers that stand
# in for the vendors' hosts.  All of it happens in network namespaces made for
# the purpose; not one packet leaves the machine.
#
#   clients 10.20.0.11-21 ----- lan0 [gateway] wan0 ----- [wan] stand-ins
#           fd20:20::11-21       dnsmasq                  198.51.100.0/24
#                                tcpdump on lan0          203.0.113.0/24
#                                                         2001:db8::/32
#
# README.md says which client does what and what must be found in the file.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
output=${1:-$here/office.pcapng}
max_size=$((2 * 1024 * 1024))

# ---------------------------------------------------------------- needed tools

missing=()
packages=()
need() { # need COMMAND DEBIAN-PACKAGE
    if ! command -v "$1" >/dev/null; then
        missing+=("$1")
        packages+=("$2")
    fi
}

# dnsmasq and ip live in sbin, which a plain user's PATH often lacks.
PATH=$PATH:/usr/sbin:/sbin
need ip iproute2
need tcpdump tcpdump
need dnsmasq dnsmasq-base
need curl curl
need dig bind9-dnsutils
need openssl openssl
need python3 python3
if ((${#missing[@]})); then
    echo "record.sh: missing: ${missing[*]}" >&2
    echo "record.sh: install with: apt-get install --no-install-recommends ${packages[*]}" >&2
    exit 1
fi
if ((EUID != 0)); then
    echo "record.sh: must run as root: it makes network namespaces and captures" >&2
    exit 1
fi
if ! command -v ethtool >/dev/null; then
    echo "record.sh: no ethtool (apt-get install ethtool): offloads stay on," >&2
    echo "record.sh: frames may be larger than on a wire and lack checksums" >&2
fi

# A proxy or a personal configuration would change what the clients send.
unset http_proxy https_proxy all_proxy no_proxy HTTPS_PROXY ALL_PROXY NO_PROXY
unset OPENSSL_CONF SSLKEYLOGFILE RES_OPTIONS LOCALDOMAIN
export LC_ALL=C

# -------------------------------------------------- what is made goes away again

tmp=$(mktemp -d)
namespaces=()
pids=()
made_etc_netns=no

stop() { # stop PID: end one of our own processes and wait for it
    kill "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
}

cleanup() {
    local status=$? pid ns
    trap '' INT TERM
    for pid in ${pids[@]+"${pids[@]}"}; do
        stop "$pid"
    done
    for ns in ${namespaces[@]+"${namespaces[@]}"}; do
        ip netns del "$ns" 2>/dev/null || true
        rm -rf "/etc/netns/$ns"
    done
    if [[ $made_etc_netns = yes ]]; then
        rmdir /etc/netns 2>/dev/null || true
    fi
    if ((status != 0 && status < 128)); then
        echo "record.sh: failed; the last messages of what was running:" >&2
        tail -n 5 "$tmp"/*.log >&2 2>/dev/null || true
    fi
    rm -rf "$tmp"
    exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# ------------------------------------------------------------------- the network

# The number of this process in the names keeps two runs apart.
gateway=sge$$-gw
wan=sge$$-wan
client() { echo "sge$$-$1"; }

hosts=(11 12 13 14 15 16 17 18 19 20 21)

# Settings of the kernel per namespace; sysctl(8) is not installed everywhere.
setting() { # setting NAMESPACE PATH VALUE
    ip netns exec "$1" sh -c "echo $3 >/proc/sys/net/$2"
}

# Without this the kernel hands frames of up to 64 KiB through the bridge, with
# checksums not filled in: nothing that could be seen on a wire.
no_offloads() { # no_offloads NAMESPACE INTERFACE
    if command -v ethtool >/dev/null; then
        ip netns exec "$1" ethtool -K "$2" \
            tso off gso off gro off tx off rx off >/dev/null 2>&1 || true
    fi
}

add_namespace() { # add_namespace NAME
    ip netns add "$1"
    namespaces+=("$1")
    # Addresses are fixed here, so duplicate detection would only cost time.
    setting "$1" ipv6/conf/default/accept_dad 0
    setting "$1" ipv6/conf/default/accept_ra 0
    ip -n "$1" link set lo up
}

add_gateway() {
    add_namespace "$gateway"
    setting "$gateway" ipv4/ip_forward 1
    setting "$gateway" ipv6/conf/all/forwarding 1

    # No snooping: the bridge shall pass all, and not speak for itself.
    ip -n "$gateway" link add lan0 address 0a:20:00:00:00:01 type bridge \
        stp_state 0 mcast_snooping 0
    ip -n "$gateway" addr add 10.20.0.1/24 dev lan0
    ip -n "$gateway" addr add fd20:20::1/64 dev lan0 nodad
    ip -n "$gateway" link set lan0 up
    no_offloads "$gateway" lan0
}

# All stand-ins live in one namespace, each with its own address on "lo".
add_wan() {
    local address
    add_namespace "$wan"
    ip link add wan0 netns "$gateway" type veth peer name eth0 netns "$wan"
    ip -n "$gateway" addr add 192.0.2.1/30 dev wan0
    ip -n "$gateway" addr add 2001:db8:ffff::1/64 dev wan0 nodad
    ip -n "$wan" addr add 192.0.2.2/30 dev eth0
    ip -n "$wan" addr add 2001:db8:ffff::2/64 dev eth0 nodad
    ip -n "$gateway" link set wan0 up
    ip -n "$wan" link set eth0 up
    no_offloads "$gateway" wan0
    no_offloads "$wan" eth0

    ip -n "$gateway" route add 198.51.100.0/24 via 192.0.2.2
    ip -n "$gateway" route add 203.0.113.0/24 via 192.0.2.2
    ip -n "$gateway" route add 2001:db8::/32 via 2001:db8:ffff::2
    ip -n "$wan" route add default via 192.0.2.1
    ip -n "$wan" route add default via 2001:db8:ffff::1

    while read -r address; do
        ip -n "$wan" addr add "$address" dev lo
    done < <(addresses)
}

# Client 20 has no IPv4 at all; it and client 12 ask the resolver over IPv6.
add_client() { # add_client NUMBER
    local ns resolver=10.20.0.1
    ns=$(client "$1")
    add_namespace "$ns"
    ip link add eth0 netns "$ns" address "0a:20:00:00:00:$1" type veth \
        peer name "port$1" netns "$gateway"
    ip -n "$gateway" link set "port$1" master lan0
    if [[ $1 != 20 ]]; then
        ip -n "$ns" addr add "10.20.0.$1/24" dev eth0
    fi
    ip -n "$ns" addr add "fd20:20::$1/64" dev eth0 nodad
    ip -n "$gateway" link set "port$1" up
    ip -n "$ns" link set eth0 up
    no_offloads "$gateway" "port$1"
    no_offloads "$ns" eth0
    if [[ $1 != 20 ]]; then
        ip -n "$ns" route add default via 10.20.0.1
    fi
    ip -n "$ns" route add default via fd20:20::1

    # "ip netns exec" lays these over the files of the same name in /etc.
    # The last two keep the machine's own names and resolvers out of it.
    if [[ $1 = 12 || $1 = 20 ]]; then
        resolver=fd20:20::1
    fi
    mkdir -p "/etc/netns/$ns"
    echo "nameserver $resolver" >"/etc/netns/$ns/resolv.conf"
    echo "hosts: files dns" >"/etc/netns/$ns/nsswitch.conf"
    printf '127.0.0.1 localhost\n::1 localhost\n' >"/etc/netns/$ns/hosts"
}

# ------------------------------------------------------------------- the servers

# Name and address(es) of every host that exists in this little world.
# s02.upd.kaspersky.com is left out on purpose: dnsmasq has no server to pass
# the question on to and answers REFUSED, as a filtering resolver may do.
names() {
    cat <<'NAMES'
s05.upd.kaspersky.com 198.51.100.5 2001:db8:51::5
s07.upd.kaspersky.com 198.51.100.7
s09.upd.kaspersky.com 198.51.100.9
s11.upd.kaspersky.com 198.51.100.11
dnl-03.geo.kaspersky.com 198.51.100.33 2001:db8:51::33
dc1.ksn.kaspersky-labs.com 198.51.100.101
ksn-file-geo.kaspersky-labs.com 198.51.100.102 2001:db8:51::102
www.kaspersky.com 198.51.100.80
support.kaspersky.com 198.51.100.81
definitionupdates.microsoft.com 203.0.113.10
wdcp.microsoft.com 203.0.113.11
www.example.org 203.0.113.80 2001:db8:113::80
www.example.net 203.0.113.81
NAMES
}
reset_address=198.51.100.11 # s11.upd.kaspersky.com

addresses() { # one per line, with the length of the prefix
    local v4 v6
    while read -r _ v4 v6; do
        echo "$v4/32"
        if [[ $v6 ]]; then
            echo "$v6/128"
        fi
    done < <(names)
}

wait_for() { # wait_for TEXT FILE: until a server has said that it is ready
    local try
    for ((try = 0; try < 100; try++)); do
        if grep -qs -- "$1" "$2"; then
            return
        fi
        sleep 0.1
    done
    echo "record.sh: no \"$1\" in ${2##*/} after ten seconds" >&2
    return 1
}

start_servers() {
    local name v4 v6 records=()

    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
        -days 30 -subj /CN=stand-in.invalid \
        -keyout "$tmp/key.pem" -out "$tmp/cert.pem" 2>"$tmp/openssl.log"
    ip netns exec "$wan" python3 "$here/stand-in.py" \
        --cert "$tmp/cert.pem" --key "$tmp/key.pem" --reset "$reset_address" \
        >"$tmp/stand-in.log" 2>&1 &
    pids+=($!)
    wait_for ready "$tmp/stand-in.log"

    while read -r name v4 v6; do
        # "local": a type that the name lacks gets an empty answer, not REFUSED.
        records+=("--local=/$name/" "--host-record=$name,$v4${v6:+,$v6}")
    done < <(names)
    ip netns exec "$gateway" dnsmasq --keep-in-foreground --conf-file=/dev/null \
        --pid-file= --log-facility=- --no-resolv --no-hosts --local-ttl=300 \
        --bind-interfaces --listen-address=10.20.0.1 --listen-address=fd20:20::1 \
        "${records[@]}" >"$tmp/dnsmasq.log" 2>&1 &
    pids+=($!)
    wait_for started "$tmp/dnsmasq.log"
}

# Only the LAN side of the gateway is recorded.  "-Z root" because tcpdump would
# else give up root and could no longer write into our directory.
start_capture() {
    ip netns exec "$gateway" tcpdump -i lan0 -n -s 0 -B 16384 -Z root \
        -w "$tmp/recording.pcap" 2>"$tmp/tcpdump.log" &
    capture=$!
    pids+=("$capture")
    wait_for "listening on" "$tmp/tcpdump.log"
}

stop_capture() {
    sleep 1
    stop "$capture"
    if ! grep -q '^0 packets dropped by kernel' "$tmp/tcpdump.log"; then
        echo "record.sh: tcpdump lost packets; run it again" >&2
        return 1
    fi
}

# ------------------------------------------------------------------- the clients

# Begin a scene: what follows is moved to TIME when the file is written.  The
# pause lets the last packets of the scene before arrive; without neighbours the
# client has to look for its gateway again, as it would after some hours.
scene() { # scene TIME CLIENT
    sleep 0.4
    ip -n "$(client "$2")" neigh flush dev eth0 2>/dev/null || true
    ip -n "$gateway" neigh flush dev lan0 2>/dev/null || true
    echo "$(date +%s.%6N) $(date -u -d "$day $1 UTC" +%s)" >>"$tmp/scenes"
    on="$(client "$2")"
    echo "  $day $1  10.20.0.$2"
}

get() { # get URL [CURL OPTION...]: must succeed
    ip netns exec "$on" curl -q -sS -k -o /dev/null --max-time 20 "${@:2}" "$1"
}

get_reset() { # get_reset URL: must be reset (curl: 35, or 56 if it came late)
    local status=0
    ip netns exec "$on" curl -q -s -k -o /dev/null --max-time 20 "$1" || status=$?
    if ((status != 35 && status != 56)); then
        echo "record.sh: $1 was not reset (curl said $status)" >&2
        return 1
    fi
}

ask() { # ask NAME TYPE STATUS: the answer must have this status
    local answer
    answer=$(ip netns exec "$on" dig -r +tries=1 "$1" "$2")
    if [[ $answer != *"status: $3,"* ]]; then
        echo "record.sh: $1 $2 was not answered with $3" >&2
        return 1
    fi
}

# Not curl but openssl as the client.  It stops when its input ends, hence the
# pause for the answer.
talk() { # talk NAME BYTES [S_CLIENT OPTION...]
    { printf 'GET /%d HTTP/1.1\r\nHost: %s\r\n\r\n' "$2" "$1" && sleep 1; } |
        ip netns exec "$on" openssl s_client -nocommands -connect "$1:443" \
            -servername "$1" "${@:3}" >"$tmp/answer" 2>"$tmp/s_client.log"
    if (($(stat -c %s "$tmp/answer") < $2)); then
        echo "record.sh: $1 gave openssl no full answer" >&2
        return 1
    fi
}

# A ClientHello with a post-quantum key share does not fit into one segment.
# OpenSSL before 3.5 has none, so a long list of protocols fills the message.
long_alpn() {
    local list=http/1.1 i
    for ((i = 0; i < 100; i++)); do
        list+=",stand-in-protocol-$i"
    done
    echo "$list"
}

# Before the cutoff.
part_a() {
    day=2024-09-28
    scene 14:00:04 11
    get https://s07.upd.kaspersky.com/120000
    scene 14:01:17 12
    get https://dnl-03.geo.kaspersky.com/90000 -6
    scene 14:02:31 14
    get https://s07.upd.kaspersky.com/100000
    scene 14:03:42 16
    get https://s07.upd.kaspersky.com/100000
    scene 14:05:09 18
    get https://s07.upd.kaspersky.com/100000
    scene 14:06:26 19
    get https://www.example.org/6000
}

# Eight hours after the cutoff.
part_b() {
    day=2024-09-29
    scene 12:00:08 11
    get https://s07.upd.kaspersky.com/120000
    scene 12:01:23 12
    get https://www.example.org/6000 -4
    scene 12:02:15 13
    get https://www.example.net/4000
    scene 12:02:58 15
    get https://www.example.org/5000
    scene 12:03:36 16
    get https://www.example.org/6000
    get https://www.example.net/4000
    scene 12:04:41 17
    get https://www.kaspersky.com/9000
    get https://support.kaspersky.com/5000
    scene 12:05:54 18
    get https://definitionupdates.microsoft.com/80000
    get https://wdcp.microsoft.com/2000
    scene 12:07:02 19
    get http://www.example.net/120000
    scene 12:08:19 20
    get https://www.example.org/5000
    scene 12:09:11 21
    get https://www.example.net/4000
}

# More than a day after the cutoff.
part_c() {
    day=2024-09-30
    scene 13:00:06 11
    get https://s07.upd.kaspersky.com/120000
    scene 13:01:28 11
    talk s09.upd.kaspersky.com 12000 -alpn "$(long_alpn)"
    scene 13:04:13 12
    get https://dnl-03.geo.kaspersky.com/90000 -6
    scene 13:07:35 13
    talk dc1.ksn.kaspersky-labs.com 2000
    for time in 13:10:02 13:10:17 13:10:47 13:11:47; do
        scene "$time" 14
        get_reset https://s11.upd.kaspersky.com/100000
    done
    scene 13:14:50 15
    ask s05.upd.kaspersky.com A NOERROR
    ask s05.upd.kaspersky.com AAAA NOERROR
    scene 13:17:21 16
    get https://www.example.org/6000
    get https://www.example.net/4000
    scene 13:19:40 17
    get https://www.kaspersky.com/9000
    get https://support.kaspersky.com/5000
    scene 13:21:33 18
    get https://definitionupdates.microsoft.com/80000
    get https://wdcp.microsoft.com/2000
    scene 13:24:16 19
    get https://www.example.org/6000
    get https://www.example.net/30000
    scene 13:26:58 20
    get https://ksn-file-geo.kaspersky-labs.com/2500
    scene 13:29:44 21
    ask s02.upd.kaspersky.com A REFUSED
    ask s02.upd.kaspersky.com AAAA REFUSED
}

# ---------------------------------------------------------------------- the run

# One processor for all of it: on several, segments overtake each other between
# the namespaces and set off retransmissions that no wire would have seen.
if command -v taskset >/dev/null; then
    allowed=$(taskset -cp $$)
    allowed=${allowed##*: }
    taskset -cp "${allowed%%[-,]*}" $$ >/dev/null
fi

echo "making the network"
if [[ ! -d /etc/netns ]]; then
    made_etc_netns=yes
fi
add_gateway
add_wan
for host in "${hosts[@]}"; do
    add_client "$host"
done
start_servers

echo "recording, about half a minute"
sleep 2 # what a link says on coming up is over by then
start_capture
part_a
part_b
part_c
stop_capture

# The old file is replaced only when the new one is known to be good.
python3 "$here/retime.py" "$tmp/recording.pcap" "$tmp/scenes" "$tmp/office.pcapng"
tcpdump -n -r "$tmp/office.pcapng" >/dev/null 2>"$tmp/read.log"
size=$(stat -c %s "$tmp/office.pcapng")
if ((size >= max_size)); then
    echo "record.sh: $size bytes are too many for an example" >&2
    exit 1
fi
cp "$tmp/office.pcapng" "$output"
echo "wrote $output, $size bytes"
