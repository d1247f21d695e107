#!/bin/sh
# openwrt_stubs - runs an init script of OpenWrt without OpenWrt
#
# usage: SHELL openwrt_stubs.sh INITSCRIPT COMMAND
#
# Stands in for rc.common, UCI's shell functions and procd's. What the script
# does to procd goes to $RECORD: a call a line, a TAB before each argument. UCI
# reads $UCI_FILE (its syntax is that of a shell calling config, option, list).
# $BIN holds the daemons; $VAR stands for /var/etc.
# shellcheck disable=SC2034	# the init script reads BIN, CONF, SECRET
: "${RECORD:?}" "${UCI_FILE:?}" "${BIN:?}" "${VAR:?}"

record() {
	printf '%s' "$1" >>"$RECORD"
	shift
	[ $# = 0 ] || printf '\t%s' "$@" >>"$RECORD"
	echo >>"$RECORD"
}
for f in open_service close_service open_instance close_instance set_param \
		append_param add_jail add_jail_mount add_jail_mount_rw \
		add_reload_trigger; do
	eval "procd_$f() { record $f \"\$@\"; }"
done

logger() {
	record logger "$@"
	echo "$*" >&2
}

# ---- UCI, as /lib/functions.sh has it

reset_cb() {
	config_cb() { :; }
	option_cb() { :; }
	list_cb() { :; }
}
reset_cb
config() {
	section=$2
	config_cb "$1" "$2"
}
option() {
	eval "CONFIG_${section}_$1=\$2"
	option_cb "$1" "$2"
}
list() {
	list_cb "$1" "$2"
}
config_load() {
	[ "$1" = pillarbox ] || return 1
	# shellcheck source=/dev/null
	. "$UCI_FILE"
	config_cb
}
config_get_bool() {	# VARIABLE SECTION OPTION DEFAULT
	eval "value=\${CONFIG_${2}_$3:-$4}"
	# shellcheck disable=SC2154	# set by eval
	case $value in
	1|on|true|yes|enabled) eval "$1=1" ;;
	0|off|false|no|disabled) eval "$1=0" ;;
	*) eval "$1=\$4" ;;
	esac
}

# ---- rc.common

start_service() { :; }
service_triggers() { :; }
start() {
	procd_open_service pillarbox "$initscript"
	start_service
	procd_close_service
	service_triggers
}
# Without a function of its own the script reloads by starting.
reload() {
	if command -v reload_service >/dev/null; then
		reload_service
	else
		start
	fi
}

initscript=$1
bin=$BIN var=$VAR
# shellcheck source=/dev/null
. "$initscript"
BIN=$bin CONF=$var/pillarbox.conf SECRET=$var/pillarbox.secret
[ "$USE_PROCD" = 1 ] || exit 1
"$2"
