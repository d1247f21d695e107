# text.awk - from a catalogue (gettext's .po) to the tables of text_zh.c.
#
# usage: LC_ALL=C awk -f text.awk zh_CN.po
# The header and entries marked fuzzy, without a translation or with the same
# words are left out.

BEGIN { for (i = 1; i < 256; i++) code[sprintf("%c", i)] = i }

/^#, .*fuzzy/ { fuzzy = 1; next }
/^#/ { next }
/^msgid / { end(); id = quoted(); part = 1; next }
/^msgstr / { str = quoted(); part = 2; next }
/^"/ { if (part == 1) id = id quoted(); else str = str quoted(); next }

# What stands between the outer quotes, escapes as they are.
function quoted() {
	match($0, /".*"/)
	return substr($0, RSTART + 1, RLENGTH - 2)
}

function plain(s,    out, i, c) {
	for (i = 1; i <= length(s); i++) {
		c = substr(s, i, 1)
		if (c == "\\") {
			c = substr(s, ++i, 1)
			c = c == "n" ? "\n" : c == "t" ? "\t" : c == "r" ? "\r" : \
				c == "a" ? "\a" : c == "b" ? "\b" : c
		}
		out = out c
	}
	return out
}

function hash_of(s,    h, i) {
	h = 5381
	for (i = 1; i <= length(s); i++)
		h = (h * 33 + code[substr(s, i, 1)]) % 4294967296
	return h
}

function end(    h) {
	if (part == 2 && id != "" && str != "" && str != id && !fuzzy) {
		h = sprintf("%10.0f", hash_of(plain(id)))
		if (h in at) {
			print "two texts of one hash: " id > "/dev/stderr"
			bad = 1
		}
		if (!(str in place)) {
			place[str] = size
			size += length(plain(str)) + 1
			lines = lines "\t\"" str "\\0\"\n"
		}
		at[h] = place[str]
		hashes[++n] = h
	}
	if (part == 2)
		fuzzy = 0
	part = 0
}

END {
	end()
	if (bad)
		exit 1
	for (i = 2; i <= n; i++) {
		h = hashes[i]
		for (j = i; j > 1 && hashes[j - 1] > h; j--)
			hashes[j] = hashes[j - 1]
		hashes[j] = h
	}
	print "static const uint32_t hashes[] = {"
	for (i = 1; i <= n; i++)
		printf "\t%su,\n", hashes[i]
	print "};\n\nstatic const uint16_t places[] = {"
	for (i = 1; i <= n; i++)
		printf "\t%d,\n", at[hashes[i]]
	print "};\n\nstatic const char texts[] ="
	printf "%s;\n", lines
}
