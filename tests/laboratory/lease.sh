#!/bin/sh
# What udhcpc runs when a lease comes and goes: the address of this machine follows it.
case $1 in
bound | renew)
    ip -4 addr flush dev "$interface"
    ip addr add "$ip/$mask" dev "$interface"
    ip route replace default via "$router"
    ;;
deconfig) ip -4 addr flush dev "$interface" ;;
esac
