SUMMARY = "Whole mail system for small devices in one binary"
DESCRIPTION = "SMTP server, queue, local delivery, POP3 server, a mail program and the administration of users; argv[0] picks the program."
HOMEPAGE = "https://example.org/pillarbox"
SECTION = "console/network"
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://LICENSE;md5=b37273acfe28a4bc9eb587b76804904c"

PV = "0.1+git"
SRCREV ?= "${AUTOREV}"
SRC_URI = "git://example.org/pillarbox.git;protocol=https;branch=main \
           file://defconfig \
           "
S = "${WORKDIR}/git"
# our Makefile builds into a folder of its own, here ${S}/build
B = "${S}"
# scarthgap unpacks local files to WORKDIR, later releases to UNPACKDIR
LOCALFILES = "${@d.getVar('UNPACKDIR') or d.getVar('WORKDIR')}"

DEPENDS = "zlib virtual/crypt"

inherit cml1 pkgconfig systemd update-rc.d useradd

# What a word switches is the second half: its symbols in our Kconfig.
PACKAGECONFIG ??= "tls users"
PACKAGECONFIG[tls] = ",,mbedtls"
PACKAGECONFIG[users] = ",,sqlite3"
# Their libraries are opened at run time, so nothing else asks for the packages.
PACKAGECONFIG[ldap] = ",,openldap,openldap"
PACKAGECONFIG[mysql] = ",,mariadb,libmysqlclient"
PILLARBOX_CONFIG_tls = "TLS"
PILLARBOX_CONFIG_users = "AUTHD MAILUSER"
PILLARBOX_CONFIG_ldap = "AUTHD_LDAP"
PILLARBOX_CONFIG_mysql = "AUTHD_MYSQL"

# -Werror is for those who change the code.
EXTRA_OEMAKE = "'CC=${CC}' 'AR=${AR}' 'STRIP=${STRIP}' 'PKG_CONFIG=pkg-config' \
                'CFLAGS=${CFLAGS}' 'LDFLAGS=${LDFLAGS}' \
                WERROR=-Wno-error PREFIX=${prefix} PYTHON=python3 \
                "

# Lines for a .config, y for a word that is on, n for one that is off.
def pillarbox_lines(d):
    on = d.getVar("PACKAGECONFIG").split()
    lines = []
    for word in ("tls", "users", "ldap", "mysql"):
        for symbol in d.getVar("PILLARBOX_CONFIG_" + word).split():
            lines.append("CONFIG_" + symbol + ("=y" if word in on else "=n"))
    return "\\n".join(lines)

# A symbol that is not named takes its default, and of two lines the last one
# counts, so the fragments need no merging. Not cml1's oldconfig: it wants
# kconfiglib, and building does not.
do_configure() {
	cat ${LOCALFILES}/defconfig ${@' '.join(find_cfgs(d))} >${B}/.config
	printf '${@pillarbox_lines(d)}\n' >>${B}/.config
}

do_compile() {
	oe_runmake all
}

do_install() {
	oe_runmake install DESTDIR=${D}
	# bitbake keeps the symbols itself
	install -m 0755 ${B}/build/pillarbox.full ${D}${bindir}/pillarbox

	files=${S}/board-profiles/buildroot/package/pillarbox
	install -D -m 0644 "$files"/pillarbox.conf ${D}${sysconfdir}/pillarbox.conf
	install -D -m 0755 "$files"/S80maild ${D}${sysconfdir}/init.d/pillarbox
	install -D -m 0644 "$files"/pillarbox.service \
		${D}${systemd_system_unitdir}/pillarbox.service
	install -d -m 0755 ${D}${localstatedir}/lib/pillarbox
}

CONFFILES:${PN} = "${sysconfdir}/pillarbox.conf"
FILES:${PN} += "${systemd_system_unitdir}/pillarbox.service"
RRECOMMENDS:${PN} = "${@bb.utils.contains('PACKAGECONFIG', 'tls', 'ca-certificates', '', d)}"

# `mail` is in base-passwd.
USERADD_PACKAGES = "${PN}"
USERADD_PARAM:${PN} = "--system --user-group --no-create-home \
                       --home-dir ${localstatedir}/lib/pillarbox/spool \
                       --shell ${base_sbindir}/nologin pillarbox"

INITSCRIPT_NAME = "pillarbox"
INITSCRIPT_PARAMS = "defaults 80 20"
SYSTEMD_SERVICE:${PN} = "pillarbox.service"
