################################################################################
#
# pillarbox
#
################################################################################

PILLARBOX_VERSION = 0.1
PILLARBOX_SITE = https://example.org/pillarbox
PILLARBOX_LICENSE = MIT
PILLARBOX_LICENSE_FILES = LICENSE
PILLARBOX_DEPENDENCIES = host-pkgconf zlib

PILLARBOX_KCONFIG_FILE = $(call qstrip,$(BR2_PACKAGE_PILLARBOX_CONFIG))
PILLARBOX_KCONFIG_FRAGMENT_FILES = $(call qstrip,$(BR2_PACKAGE_PILLARBOX_CONFIG_FRAGMENT_FILES))

ifeq ($(BR2_PACKAGE_LIBXCRYPT),y)
PILLARBOX_DEPENDENCIES += libxcrypt
endif

ifeq ($(BR2_PACKAGE_PILLARBOX_TLS),y)
PILLARBOX_DEPENDENCIES += mbedtls
define PILLARBOX_SET_TLS
	$(call KCONFIG_ENABLE_OPT,CONFIG_TLS)
endef
else
define PILLARBOX_SET_TLS
	$(call KCONFIG_DISABLE_OPT,CONFIG_TLS)
endef
endif

ifeq ($(BR2_PACKAGE_PILLARBOX_USERS),y)
PILLARBOX_DEPENDENCIES += sqlite
define PILLARBOX_SET_USERS
	$(call KCONFIG_ENABLE_OPT,CONFIG_AUTHD)
	$(call KCONFIG_ENABLE_OPT,CONFIG_MAILUSER)
endef
else
define PILLARBOX_SET_USERS
	$(call KCONFIG_DISABLE_OPT,CONFIG_AUTHD)
	$(call KCONFIG_DISABLE_OPT,CONFIG_MAILUSER)
endef
endif

# Their libraries are opened at run time; the build wants headers.
ifeq ($(BR2_PACKAGE_PILLARBOX_LDAP),y)
PILLARBOX_DEPENDENCIES += openldap
define PILLARBOX_SET_LDAP
	$(call KCONFIG_ENABLE_OPT,CONFIG_AUTHD_LDAP)
endef
else
define PILLARBOX_SET_LDAP
	$(call KCONFIG_DISABLE_OPT,CONFIG_AUTHD_LDAP)
endef
endif

ifeq ($(BR2_PACKAGE_PILLARBOX_MYSQL),y)
PILLARBOX_DEPENDENCIES += mariadb
define PILLARBOX_SET_MYSQL
	$(call KCONFIG_ENABLE_OPT,CONFIG_AUTHD_MYSQL)
endef
else
define PILLARBOX_SET_MYSQL
	$(call KCONFIG_DISABLE_OPT,CONFIG_AUTHD_MYSQL)
endef
endif

# Otherwise our Makefile says -no-pie, against Buildroot's wrapper.
ifeq ($(BR2_PIC_PIE),y)
define PILLARBOX_SET_HARDEN
	$(call KCONFIG_ENABLE_OPT,CONFIG_HARDEN)
endef
endif

# SHARED_STATIC means shared programs, as elsewhere in Buildroot.
ifeq ($(BR2_STATIC_LIBS),y)
PILLARBOX_STATIC = STATIC=1
endif

# The configuration may be short: symbols that it does not name are completed
# by awk in the build. So where the host's python3 has no kconfiglib only
# menuconfig and savedefconfig are missing, and olddefconfig has nothing to do.
PILLARBOX_PYTHON = $(if $(shell python3 -c 'import kconfiglib' 2>&1),true,python3)
PILLARBOX_KCONFIG_OPTS = PYTHON=$(PILLARBOX_PYTHON)

define PILLARBOX_KCONFIG_FIXUP_CMDS
	$(PILLARBOX_SET_TLS)
	$(PILLARBOX_SET_USERS)
	$(PILLARBOX_SET_LDAP)
	$(PILLARBOX_SET_MYSQL)
	$(PILLARBOX_SET_HARDEN)
endef

PILLARBOX_MAKE_OPTS = \
	$(TARGET_CONFIGURE_OPTS) \
	CROSS_COMPILE="$(TARGET_CROSS)" \
	PKG_CONFIG="$(PKG_CONFIG_HOST_BINARY)" \
	WERROR=-Wno-error \
	$(PILLARBOX_STATIC)

define PILLARBOX_BUILD_CMDS
	$(TARGET_MAKE_ENV) $(MAKE) $(PILLARBOX_MAKE_OPTS) -C $(@D) all
endef

define PILLARBOX_INSTALL_TARGET_CMDS
	$(TARGET_MAKE_ENV) $(MAKE) $(PILLARBOX_MAKE_OPTS) -C $(@D) \
		DESTDIR="$(TARGET_DIR)" PREFIX=/usr install
	$(INSTALL) -D -m 0644 $(PILLARBOX_PKGDIR)/pillarbox.conf \
		$(TARGET_DIR)/etc/pillarbox.conf
	$(INSTALL) -d -m 0755 $(TARGET_DIR)/var/lib/pillarbox
endef

# `mail` is in Buildroot's own passwd.
define PILLARBOX_USERS
	pillarbox -1 pillarbox -1 * /var/lib/pillarbox/spool - - Pillarbox
endef

define PILLARBOX_INSTALL_INIT_SYSV
	$(INSTALL) -D -m 0755 $(PILLARBOX_PKGDIR)/S80maild \
		$(TARGET_DIR)/etc/init.d/S80maild
endef

define PILLARBOX_INSTALL_INIT_SYSTEMD
	$(INSTALL) -D -m 0644 $(PILLARBOX_PKGDIR)/pillarbox.service \
		$(TARGET_DIR)/usr/lib/systemd/system/pillarbox.service
endef

$(eval $(kconfig-package))
