# For scripts to read in (`. bench/packages.sh`): packages of Debian and Ubuntu, none twice, and no service started.

# Those that are not there, of words `program:package` (there if the program is) and `package`.
missing_packages() {
    for word in "$@"; do
        case $word in
            *:*) PATH=$PATH:/usr/sbin command -v "${word%%:*}" > /dev/null ;;
            *) dpkg-query -W -f '${db:Status-Status}\n' "$word" 2> /dev/null | grep -qx installed ;;
        esac || printf '%s ' "${word#*:}"
    done
}

# Is root, or becomes it without being asked for a password.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

# Installs what is missing of such words; says what is to be done where that is not allowed.
install_packages() {
    missing=$(missing_packages "$@")
    if [ -z "$missing" ]; then
        echo 'packages: all there'
        return
    fi
    if ! command -v apt-get > /dev/null; then
        echo "packages: this is not Debian or Ubuntu; install what they call: $missing" >&2
        return 1
    fi
    if ! as_root true 2> /dev/null; then
        echo "packages: neither root nor sudo without a password; let an administrator run: apt-get install --no-install-recommends $missing" >&2
        return 1
    fi
    echo "packages: installing $missing"
    # shellcheck disable=SC2086 # a list of words
    without_services apt_install $missing
}

apt_install() {
    as_root apt-get update -q && as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -o DPkg::Lock::Timeout=300 install -qy --no-install-recommends "$@"
}

# Runs a command while packages may not start services, and then lets them as before.
without_services() (
    policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ]; then
        trap 'as_root rm -f $policy' EXIT
        trap 'exit 1' INT TERM HUP
        printf '#!/bin/sh\nexit 101\n' | as_root tee $policy > /dev/null
        as_root chmod +x $policy
    fi
    "$@"
)
