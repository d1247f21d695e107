# size.awk - bytes of each applet and module, from the linker's map
#
# usage: awk -f size.awk pillarbox.full.map
# prints "BYTES NAME" per applet folder and platform module. The map knows
# what --gc-sections left; sizes of object files do not. Functions of the C
# library and the tables of the dynamic linker are counted as "other".

/^Linker script and memory map/ { on = 1 }
!on { next }
/^OUTPUT\(/ { exit }

# Only what is loaded; a long section name puts its numbers on the next line.
/^\.[a-z]/ { loaded = $1 !~ /^\.(bss|comment|debug|gnu\.build|note|symtab|strtab|shstrtab)/ }
/^ \.[^ ]+$/ { next }
loaded && /^ / && match($0, /0x[0-9a-f]+ +0x[0-9a-f]+ [^ ]/) {
	split(substr($0, RSTART), word, " ")
	add(substr($0, RSTART + RLENGTH - 1), hex(word[2]))
}

function hex(text,    i, v) {
	for (i = 3; i <= length(text); i++)
		v = v * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
	return v
}

# build/platform/net.a(conn.o) or build/applets/pop3d/pop3d.o
function add(file, bytes,    name) {
	if (match(file, /applets\/[a-z0-9]+\/[a-z0-9_]+\.o/)) {
		split(substr(file, RSTART), word, "/")
		name = "applet " word[2]
	} else if (match(file, /applets\/[a-z]+\.o/)) {
		name = "applet (main)"
	} else if (match(file, /platform\/[a-z]+\.a\([a-z0-9_]+\.o/)) {
		name = "module " substr(file, RSTART + 9, RLENGTH - 11)
		sub(/\.a\(/, "/", name)
	} else {
		name = "other"
	}
	sum[name] += bytes
}

END {
	for (name in sum)
		if (sum[name])
			print sum[name], name
}
