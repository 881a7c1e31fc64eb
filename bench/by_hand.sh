#!/bin/bash
# Brings the four nodes of dev-access up by hand: what `pulumi up` does, as somebody would script it who knows each step.
#
#   by_hand.sh FOLDER HELPER HOME REALM
#
# FOLDER has nodes/<name>/ with the .deb files, rendered files and scripts of each node, and smoke/ (fresh_files.py makes
# it, which is not measured). HELPER is the program that makes local machines, HOME and REALM are where and whose.
# Machines start side by side, and so do the nodes of a role; roles and services wait for each other as in the domain.
set -euo pipefail
steps=$(cd "$(dirname "$0")" && pwd)/by_hand
cd "$1"
helper=$2 home=$3 realm=$4
access=access-service.dev-access
database=database-1.$access web_1=web-1.$access web_2=web-2.$access gateway=gateway-1.gateway-service.dev-access
nodes=("$database" "$web_1" "$web_2" "$gateway")

root_helper() {
    if [ "$(id -u)" = 0 ]; then /usr/bin/python3 -I -B "$helper" "$1"; else sudo -n /usr/bin/python3 -I -B "$helper" "$1"; fi
}

json_text() { awk '{printf "%s\\n", $0}' "$1"; }

on() {
    local node=$1
    shift
    ssh -F none -i key -o IdentitiesOnly=yes -o UserKnownHostsFile=known_hosts -o HostKeyAlias="$node" -o LogLevel=ERROR \
        -o ConnectTimeout=2 "root@$(cat "$node.address")" "$@"
}

in_parallel() {
    local work=$1 node pid pids=()
    shift
    for node in "$@"; do "$work" "$node" & pids+=($!); done
    for pid in "${pids[@]}"; do wait "$pid"; done
}

make_machine() {
    local node=$1 disks=''
    ssh-keygen -q -t ed25519 -N '' -C "$node" -f "$node.host"
    if [ "$node" = "$database" ]; then
        root_helper disk-create <<<"{\"home\": \"$home\", \"realm\": \"$realm\", \"disk\": \"$node\", \"size\": 10737418240}" >/dev/null
        disks="{\"disk\": \"$node\", \"mount\": \"/var/lib/postgresql\"}"
    fi
    root_helper create >"$node.json" <<END
{"home": "$home", "realm": "$realm",
 "spec": {"name": "$node", "image": "debian-12", "cpus": 1, "memory": 536870912,
          "authorized_keys": ["$(cat key.pub)"], "disks": [$disks]},
 "host_key": {"private": "$(json_text "$node.host")", "public": "$(cat "$node.host.pub")"}}
END
    sed -n 's/.*"address": "\([^"]*\)".*/\1/p' "$node.json" >"$node.address"
}

wait_for() {
    local node=$1
    until on "$node" true 2>/dev/null; do sleep 0.05; done
}

# Sends all files of a node and installs them; then come the commands of its role.
install_on() {
    local node=$1 role=${1%%-[0-9]*}
    cat "$steps/install.sh" "$steps/$role.sh" >"nodes/$node/setup.sh"
    cp hosts "nodes/$node/"
    tar -C "nodes/$node" --owner=root --group=root -cf - . |
        on "$node" 'mkdir -p /srv/by-hand && tar -C /srv/by-hand -xf - && exec bash /srv/by-hand/setup.sh' >"$node.log" 2>&1 ||
        { tail -n 20 "$node.log" >&2; return 1; }
}

answers() { # address path: until the answer is right
    local try
    for try in $(seq 300); do
        curl --noproxy '*' -fsS -m 5 "http://$1$2" >/dev/null 2>&1 && return
        sleep 0.1
    done
    echo "http://$1$2 does not answer" >&2
    return 1
}

smoke() { # node file
    on "$1" "cat >/tmp/smoke.py && env $(cat "smoke/$2.env") python3 /tmp/smoke.py" <"smoke/$2" >/dev/null
}

ssh-keygen -q -t ed25519 -N '' -C by-hand -f key
in_parallel make_machine "${nodes[@]}"
for node in "${nodes[@]}"; do
    echo "$node $(cat "$node.host.pub")" >>known_hosts
    echo "$(cat "$node.address") $node" >>hosts
done
in_parallel wait_for "${nodes[@]}"

in_parallel install_on "$database"
in_parallel install_on "$web_1" "$web_2"
for node in "$web_1" "$web_2"; do answers "$(cat "$node.address")" /health; done
smoke "$web_1" grant_and_check.py

in_parallel install_on "$gateway"
answers "$(cat "$gateway.address")" /gateway
answers "$(cat "$gateway.address")" /health
smoke "$gateway" through_the_gateway.py
echo "http://$(cat "$gateway.address")/health answers"
