# heads.awk - makes the Kconfig part, the make list and the dispatch table
# from the head comments of applets/X/X.c, whose form docs/hacking.md fixes.
#
# usage: awk -v dir=OUT -f heads.awk applets/X/X.c ...
# writes OUT/X.new for X in applets.kconfig, applets.mk, applets.h, mains.h
# Kept to POSIX awk: mawk, gawk and BusyBox all run it.

function fail(text) {
	printf "%s:%d: %s\n", FILENAME, FNR, text > "/dev/stderr"
	failed = 1
	exit 1
}

# The folder is all that a file's name tells: applets/pop3d/pop3d.c -> pop3d.
function folder_of(path,    part, n) {
	n = split(path, part, "/")
	return part[n - 1]
}

FNR == 1 {
	head_end()
	folder = folder_of(FILENAME)
	symbol = block = ""
	inside = 1
	if (index($0, "/* " folder " - ") != 1)
		fail("a head comment starts with \"/* " folder " - what it is\"")
	next
}

!inside { next }
/^ \*\// { head_end(); next }
/\*\// { fail("the head comment ends on a line of its own, ' */'") }
{ sub(/^ \* ?/, "") }

# After a config line everything indented is its body, blank lines too.
block != "" && /^([ \t]|$)/ { body($0); next }
{ block = "" }

/^config / { config_start($2); next }
/^applet / { row_add(); next }
/^file /   {
	if (NF != 3)
		fail("file NAME.c SYMBOL")
	make[++makes] = "gated-$(CONFIG_" $3 ") += applets/" folder "/" $2
	make[++makes] = "gated += applets/" folder "/" $2
	next
}

# A folder is on when its first symbol is; later ones are its features.
function config_start(name) {
	if (name !~ /^[A-Z][A-Z0-9_]*$/)
		fail("a symbol is made of A-Z, 0-9 and _")
	block = name
	helping = 0
	kconfig = kconfig "\nconfig " name "\n"
	if (symbol == "") {
		symbol = name
		make[++makes] = "folders-$(CONFIG_" name ") += " folder
	} else {
		kconfig = kconfig "\tdepends on " symbol "\n"
	}
}

function body(line) {
	kconfig = kconfig line "\n"
	if (helping) {
		sub(/^\t(  )?/, "", line)
		help[block] = help[block] line "\n"
	} else if (line ~ /^\thelp[ \t]*$/) {
		helping = 1
	}
}

# applet NAME CLASS [FUNCTION] [DIR/WITH/SLASH] [SYMBOL]
function row_add(    i, place, r) {
	if ($3 != "daemon" && $3 != "tool" && $3 != "admin")
		fail("applet NAME daemon|tool|admin ...")
	place = $3 == "tool" ? "usr/bin" : "usr/sbin"
	r = ++rows
	name[r] = $2
	class[r] = $3
	main[r] = folder "_main"
	sym[r] = ""
	for (i = 4; i <= NF; i++) {
		if ($i ~ /\//)
			place = $i
		else if ($i ~ /^[A-Z][A-Z0-9_]*$/)
			sym[r] = $i
		else
			main[r] = $i
	}
	if (place !~ /^usr\/[a-z]+$/)
		fail("a folder is written as usr/sbin")
	path[r] = place "/" $2
	open_row[++opens] = r
}

# At the end of a head its rows learn the folder's symbol.
function head_end(    i, r) {
	if (!inside)
		return
	inside = 0
	if (symbol == "" || !opens)
		fail("applets/" folder ": needs an applet and a config line")
	for (i = 1; i <= opens; i++) {
		r = open_row[i]
		if (sym[r] == "")
			sym[r] = symbol
		make[++makes] = "links-$(CONFIG_" sym[r] ") += " path[r]
		make[++makes] = "symbol-" name[r] " := " sym[r]
	}
	opens = 0
}

# Insertion sort by name: the table is searched and listed in order.
function sort_rows(    i, j, r) {
	for (i = 1; i <= rows; i++) {
		for (j = i; j > 1 && name[order[j - 1]] > name[i]; j--)
			order[j] = order[j - 1]
		order[j] = i
	}
	for (i = 2; i <= rows; i++)
		if (name[order[i]] == name[order[i - 1]])
			fail("two applets are called " name[order[i]])
}

# Character by character: awks disagree on backslashes in sub().
function c_escape(line,    i, c, out) {
	for (i = 1; i <= length(line); i++) {
		c = substr(line, i, 1)
		out = out (c == "\\" || c == "\"" ? "\\" c : c == "\t" ? "\\t" : c)
	}
	return out
}

# "With SYMBOL:" begins a part of the text that only builds with it print; the
# empty line before it belongs to it.
function usage_macro(name, text,    line, n, i, part, next_part) {
	sub(/\n+$/, "", text)
	n = split(text, line, "\n")
	printf "#define USAGE_%s \"\" USE_USAGE(", name > h
	for (i = 1; i <= n; i++) {
		if (line[i + (line[i] == "")] ~ /^With [A-Z][A-Z0-9_]*:$/) {
			next_part = line[i + (line[i] == "")]
			gsub(/^With |:$/, "", next_part)
			if (next_part != part)
				printf "%s \\\n\tUSE_%s(", part ? ")" : "", \
					next_part > h
			part = next_part
		}
		printf " \\\n\t\"%s\\n\"", c_escape(line[i]) > h
	}
	print (part ? ")" : "") ")" > h
}

function write_table(    i, r) {
	mains = dir "/mains.h.new"
	print "/* made by config/heads.awk: what applet.h declares */" > mains
	h = dir "/applets.h.new"
	print "/* made by config/heads.awk: the dispatch table */" > h
	for (i = 1; i <= rows; i++) {
		r = order[i]
		if (!(main[r] in declared))
			print "int " main[r] "(int argc, char **argv);" > mains
		declared[main[r]] = 1
		if (!(sym[r] in told))
			usage_macro(sym[r], help[sym[r]])
		told[sym[r]] = 1
	}
	print "\nstatic const struct applet applets[] = {" > h
	for (i = 1; i <= rows; i++) {
		r = order[i]
		printf "USE_%s({ \"%s\", APPLET_%s, %s, USAGE_%s },)\n", sym[r], \
			path[r], toupper(class[r]), main[r], sym[r] > h
	}
	print "{ \"\", APPLET_TOOL, 0, \"\" } };" > h
	close(h)
}

END {
	if (failed)
		exit 1
	head_end()
	if (failed)
		exit 1
	sort_rows()
	write_table()
	print "# made by config/heads.awk" kconfig > (dir "/applets.kconfig.new")
	print "# made by config/heads.awk" > (dir "/applets.mk.new")
	for (i = 1; i <= makes; i++)
		print make[i] > (dir "/applets.mk.new")
}
