# expand.awk - from Kconfig files and a .config to what make and C read.
#
# usage: awk -f expand.awk -v version=V -v mk=F -v header=F -v full=F \
#		Kconfig applets.kconfig .config
# Each output is optional; full is a complete .config.
#
# A symbol that .config does not name takes its default, so a .config may be
# a defconfig or older than the tree: this is olddefconfig for the part of
# the language we use (bool, int, string, default, depends on, select, if).
# check-configs compares its answers with kconfiglib's.

FNR == 1 { file++; helping = 0 }

# The .config is the last file and the only one with these lines.
/^CONFIG_[A-Z0-9_]+=/ {
	eq = index($0, "=")
	given[substr($0, 8, eq - 8)] = substr($0, eq + 1)
	next
}
/^# CONFIG_[A-Z0-9_]+ is not set/ { given[substr($2, 8)] = "n"; next }
/^[ \t]*(#|$)/ { next }

# A help text goes on as long as lines are indented deeper than a keyword.
helping && /^\t  / { next }
{ helping = 0 }
$1 == "help" { helping = 1; next }

$1 == "config" {
	s = $2
	names[++n] = s
	type[s] = ""
	depends[s] = scope
	next
}
$1 == "if"    { scopes[++depth] = scope; scope = both(scope, rest(2)); next }
$1 == "endif" { scope = scopes[depth--]; next }
$1 == "bool" || $1 == "int" || $1 == "string" {
	type[s] = $1
	prompt[s] = NF > 1
	next
}
$1 == "depends" { depends[s] = both(depends[s], rest(3)); next }
$1 == "default" {
	d = ++defaults[s]
	split_if(2)
	def[s, d] = head
	def_if[s, d] = tail
	next
}
$1 == "select" {
	split_if(2)
	from[++selects] = s
	to[selects] = head
	sel_if[selects] = tail
	next
}

function both(a, b) { return a == "" ? b : a " && ( " b " )" }

function rest(i,    out) {
	for (; i <= NF; i++)
		out = out " " $i
	return out
}

# "VALUE if EXPR" from word i on: into head and tail.
function split_if(i) {
	head = ""
	tail = ""
	for (; i <= NF && $i != "if"; i++)
		head = head (head == "" ? "" : " ") $i
	if (i < NF)
		tail = rest(i + 1)
}

# Expressions: ! binds tightest, then &&, then ||. word[] and at are global.
function true(expr) {
	if (expr ~ /^ *$/)
		return 1
	gsub(/[()!]/, " & ", expr)
	gsub(/&&/, " \\&\\& ", expr)
	gsub(/\|\|/, " || ", expr)
	split(expr, word, " ")
	at = 1
	return any()
}
function any(    v) {
	v = all()
	while (word[at] == "||") { at++; v = all() || v }
	return v
}
function all(    v) {
	v = one()
	while (word[at] == "&&") { at++; v = one() && v }
	return v
}
function one(    v) {
	if (word[at] == "!") { at++; return !one() }
	if (word[at] == "(") { at++; v = any(); at++; return v }
	v = word[at++]
	return v == "y" || value[v] == "y"
}

function wanted(s,    d) {
	if (prompt[s] && s in given && !(type[s] == "bool" && given[s] !~ /^[yn]$/))
		return given[s]
	for (d = 1; d <= defaults[s]; d++)
		if (true(def_if[s, d]))
			return def[s, d] == "y" || type[s] != "bool" ? def[s, d] \
				: true(def[s, d]) ? "y" : "n"
	return type[s] == "int" ? 0 : type[s] == "string" ? "\"\"" : "n"
}

function settle(    i, s, v, changed) {
	for (i = 1; i <= selects; i++)
		forced[to[i]] = 0
	for (i = 1; i <= selects; i++)
		if (value[from[i]] == "y" && true(sel_if[i]))
			forced[to[i]] = 1
	for (i = 1; i <= n; i++) {
		s = names[i]
		v = true(depends[s]) ? wanted(s) : type[s] == "bool" ? "n" : ""
		if (forced[s])
			v = "y"
		if (v != value[s])
			changed = 1
		value[s] = v
	}
	return changed
}

# What .config says and does not get: it may be older than the tree.
function complain(    s) {
	for (s in given)
		if (!(s in type))
			warn(s " is not known (any more): left out")
		else if (type[s] == "bool" && given[s] !~ /^[yn]$/)
			warn(s " is y or n, not " given[s] ": its default is taken")
		else if (prompt[s] && given[s] == "y" && value[s] != "y")
			warn(s " is off: it depends on" depends[s])
}
function warn(text) {
	print FILENAME ": warning: " text > "/dev/stderr"
}

END {
	for (turn = 0; turn < 100 && settle(); turn++)
		;
	complain()
	if (mk) print "# made by config/expand.awk\nconfigured := y" > mk
	if (header) {
		print "/* made by config/expand.awk */\n#ifndef CONFIG_H" > header
		print "#define CONFIG_H\n#define VERSION \"" version "\"" > header
	}
	for (i = 1; i <= n; i++)
		write(names[i], value[names[i]])
	if (header) print "#endif" > header
}

function write(s, v) {
	if (mk && v != "n" && v != "")
		print "CONFIG_" s " := " v > mk
	if (full && (prompt[s] || v == "y") && v != "")
		print v == "n" ? "# CONFIG_" s " is not set" : "CONFIG_" s "=" v > full
	if (!header)
		return
	if (type[s] != "bool") {
		print "#define CFG_" s " " (v == "" ? "0" : v) > header
		return
	}
	print "#define CFG_" s " " (v == "y") > header
	print "#define USE_" s "(...)" (v == "y" ? " __VA_ARGS__" : "") > header
}
