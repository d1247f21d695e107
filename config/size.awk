# size.awk - whose the bytes of a build are, from the linker's map
#
# usage: awk -f size.awk pillarbox.full.map
# prints "BYTES NAME": "applet pop3d", "module net/conn" for our own, "applet
# all" for what link-time optimisation has made of both; "lib mbedTLS", "libc
# rest" and the like, and "rest" for tables of the linker and gaps. The map
# knows what --gc-sections left; sizes of object files do not. It names an owner
# for each address: what a string or a constant shares with another that is
# merged counts for the first of them.

/^Linker script and memory map/ { on = 1 }
!on { next }
/^OUTPUT\(/ { exit }

# Only what is loaded; a long section name puts its numbers on the next line.
/^\.[a-zA-Z]/ {
	loaded = $1 !~ /^\.(s?bss|tbss|comment|debug|gnu\.(build|attr)|note|symtab|strtab|shstrtab|pdr|mdebug|reginfo|stab|gptab)/
}
loaded && match($0, /0x[0-9a-f]+ +0x[0-9a-f]+( |$)/) {
	split(substr($0, RSTART), word, " ")
	owner = substr($0, RSTART + RLENGTH)
	at = hex(word[1])
	flush(at)
	if ($1 == "*fill*")
		owner = "fill"
	if (owner != "") {
		start = at
		size = hex(word[2])
		part = name(owner)
	}
}

# What starts before the last one ends has been merged into it.
function flush(next_at,    room) {
	room = next_at - start
	if (size && room >= 0 && room < size)
		size = room
	sum[part] += size
	size = 0
}

function hex(text,    i, v) {
	for (i = 3; i <= length(text); i++)
		v = v * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
	return v
}

# build/platform/net.a(conn.o) or build/applets/pop3d/pop3d.o
function name(file,    word) {
	if (match(file, /applets\/[a-z0-9]+\/[a-z0-9_]+\.o/) ||
			match(file, /applets\/[a-z]+\.o/)) {
		split(substr(file, RSTART), word, /[\/.]/)
		return "applet " (word[3] == "o" ? "main" : word[2])
	}
	if (match(file, /platform\/[a-z]+\.a\([a-z0-9_]+\.o/)) {
		file = substr(file, RSTART + 9, RLENGTH - 11)
		sub(/\.a\(/, "/", file)
		return "module " file
	}
	if (file ~ /\.ltrans[0-9]*\.ltrans\.o|\.lto\.o/)
		return "applet all"
	if (file ~ /libmbed[a-z0-9]*\.a/)
		return "lib mbedTLS"
	if (file ~ /libsqlite3\.a/)
		return "lib SQLite"
	if (file ~ /libz\.a/)
		return "lib zlib"
	if (file ~ /libc\.a\((iconv|gconv)/)
		return "libc iconv"
	if (file ~ /libcrypt\.a|libc\.a\(crypt/)
		return "libc crypt"
	if (file ~ /lib(c|m|resolv|pthread|dl)\.a/)
		return "libc rest"
	if (file ~ /libgcc(_eh)?\.a/)
		return "lib libgcc"
	return "rest"
}

END {
	flush(start + size)
	for (part in sum)
		if (sum[part])
			print sum[part], part
}
