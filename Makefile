# Pillarbox: one Makefile. docs/hacking.md explains it, `make help` lists it.

VERSION := 0.1
all:

# With O=dir the configuration lives in dir too, as the kernel does it.
ifdef O
KCONFIG_CONFIG ?= $(O)/.config
else
O := build
KCONFIG_CONFIG ?= .config
endif
G := $(O)/gen
CONFIG := $(KCONFIG_CONFIG)

MAKEFLAGS += -r
.SUFFIXES:
.DELETE_ON_ERROR:
Q := $(if $(filter 1,$(V)),,@)
quiet := $(or $(filter 1,$(V)),$(findstring s,$(firstword -$(MAKEFLAGS))))
say = $(if $(quiet),,@echo '  $(1)	$(patsubst $(O)/%,%,$@)')

# CROSS=mipsel-musl: a compiler and the libraries for it, made when missing.
ifdef CROSS
TOOLCHAINS ?= build/toolchain
cross := $(abspath $(TOOLCHAINS))/$(CROSS)
ifneq ($(words $(wildcard $(addprefix $(cross)/stamp/,musl zlib mbedtls sqlite))),4)
made-cross := $(shell board-profiles/toolchain/build $(CROSS) \
	$(TOOLCHAINS) >&2 && echo yes)
$(if $(made-cross),,$(error no toolchain for $(CROSS)))
endif
CROSS_COMPILE := $(cross)/bin/$(CROSS)-
MBEDTLS ?= $(or $(wildcard $(cross)/mbedtls-$(file <$(G)/profile)),$(cross)/mbedtls)
SQLITE ?= $(cross)
ZLIB ?= $(cross)
endif

ifneq ($(filter default undefined,$(origin CC)),)
CC := $(CROSS_COMPILE)gcc
endif
ifneq ($(filter default undefined,$(origin AR)),)
AR := $(CROSS_COMPILE)ar
endif
STRIP ?= $(CROSS_COMPILE)strip
SIZE ?= $(CROSS_COMPILE)size
AWK ?= awk
PYTHON ?= /usr/bin/python3
PKG_CONFIG ?= $(CROSS_COMPILE)pkg-config
PREFIX ?= /usr

# Write a file only when its text changes: what depends on it then rebuilds.
$(shell mkdir -p $(G))
remember = $(if $(subst x = $(strip $(2))x,,x$(file <$(1))x),$(file >$(1), = $(strip $(2))))
# ... and the same for files made by a generator under the name X.new
update = for f in $(1); do cmp -s $$f.new $$f && rm $$f.new || mv $$f.new $$f; done

# --- generated: from head comments, then from .config ---------------------

is_head = $(filter $(basename $(notdir $(1))),$(notdir $(patsubst %/,%,$(dir $(1)))))
heads := $(foreach f,$(sort $(wildcard applets/*/*.c)),$(if $(call is_head,$f),$f))
$(call remember,$(G)/heads,$(heads))
$(call remember,$(G)/dotconfig,$(CONFIG))

made := $(addprefix $(G)/,applets.kconfig applets.mk applets.h mains.h)
conf := $(addprefix $(G)/,config.mk config.h)

$(G)/applets.stamp: $(heads) $(G)/heads config/heads.awk Makefile
	$(Q)$(AWK) -v dir=$(G) -f config/heads.awk $(heads) && \
		$(call update,$(made)) && touch $@
$(made): $(G)/applets.stamp
	@:

expand = $(AWK) -v version=$(VERSION) -f config/expand.awk

$(CONFIG): | $(G)/applets.kconfig
	$(Q)$(expand) -v full=$@ Kconfig $(G)/applets.kconfig \
		config/default_defconfig
$(G)/config.stamp: Kconfig $(G)/applets.kconfig $(CONFIG) $(G)/dotconfig \
		config/expand.awk Makefile
	$(Q)$(expand) -v mk=$(G)/config.mk.new -v header=$(G)/config.h.new \
		Kconfig $(G)/applets.kconfig $(CONFIG) && \
		$(call update,$(conf)) && touch $@
$(conf): $(G)/config.stamp
	@:

include $(G)/config.mk $(G)/applets.mk

# --- libraries: NAME=dir, else pkg-config, else just -lname ----------------

first = $(firstword $(wildcard $(1)))
# $(1) variable, $(2) pkg-config names, $(3) -l flags
lib_cflags = $(if $($(1)),-isystem $(call first,$($(1))/include $($(1))),$(shell \
	$(PKG_CONFIG) --cflags $(2) 2>/dev/null))
lib_libs = $(if $($(1)),-L$(call first,$($(1))/lib $($(1))/library $($(1))) $(3),$(or \
	$(shell $(PKG_CONFIG) $(if $(STATIC),--static) --libs $(2) 2>/dev/null),$(3)))
use = $(eval lib-cflags += $(call lib_cflags,$(1),$(2),$(3)))$(eval \
	libs += $(call lib_libs,$(1),$(2),$(3)))

$(if $(CONFIG_TLS),$(call use,MBEDTLS,mbedtls mbedx509 mbedcrypto,\
	-lmbedtls -lmbedx509 -lmbedcrypto))
$(if $(CONFIG_LIB_SQLITE),$(call use,SQLITE,sqlite3,-lsqlite3 -lpthread -ldl -lm))
$(if $(CONFIG_LIB_ZLIB),$(call use,ZLIB,zlib,-lz))
$(if $(CONFIG_LIB_CRYPT),$(eval libs += -lcrypt))
# Opened at run time, so only their headers are needed.
use-header = $(eval lib-cflags += $(call lib_cflags,$(1),$(2)))
$(if $(CONFIG_AUTHD_LDAP),$(call use-header,LDAP,ldap))
$(if $(CONFIG_AUTHD_MYSQL),$(call use-header,MARIADB,libmariadb))
$(if $(CONFIG_AUTHD_DIRECTORY),$(eval libs += -ldl))
libs += -lresolv

# --- flags; what the user gives comes last ---------------------------------

cflags := -std=c11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 \
	-Wall -Wextra -Wshadow -Wstrict-prototypes \
	-Wmissing-declarations -Wvla $(or $(WERROR),-Werror) -Iplatform -Iapplets \
	-I$(G) -ffile-prefix-map=$(abspath $(O))=build -ffile-prefix-map=$(CURDIR)=.
ldflags := -Wl,--gc-sections -Wl,--as-needed -Wl,--build-id=none \
	-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,-z,noseparate-code
# Without gaps between tables, where the linker (GNU's) can.
ldflags += $(shell $(CC) -Wl,--help 2>/dev/null | \
	grep -q 'sort-section.*alignment' && echo -Wl,--sort-section=alignment)
ifdef SANITIZE
cflags += -O1 -g -fno-omit-frame-pointer -fsanitize=$(SANITIZE) \
	-fno-sanitize-recover=all
# The sanitizer has a crypt_r of its own, which calls that of libcrypt: not so
# when libcrypt is dropped for being of no use.
ldflags += -fsanitize=$(SANITIZE) -Wl,--no-as-needed
else
# Our code has no floating point (most MIPS routers have none): where the
# compiler can check that, it does, and the code gets smaller.
cflags += $(if $(filter x86_64-% aarch64-%,$(shell $(CC) -dumpmachine)),-mgeneral-regs-only)
# gcc on x86-64 aligns arrays for vector instructions that we do not use.
cflags += $(shell $(CC) -malign-data=abi -E -x c /dev/null >/dev/null 2>&1 && \
	echo -malign-data=abi)
# Nobody unwinds C frames in the field; the tables are a fifth of the binary.
# -Oz where there is one: gcc has it since 12.
cflags += $(if $(shell $(CC) -Oz -E -x c /dev/null >/dev/null 2>&1 && echo y),-Oz,-Os) \
	-ffunction-sections -fdata-sections \
	-fno-asynchronous-unwind-tables -fno-unwind-tables \
	$(if $(CONFIG_HARDEN),-fstack-protector-strong -D_FORTIFY_SOURCE=2)
# What gcc does for speed at -Oz, too, although it takes room: a hundredth. The
# rest of them makes code for MIPS larger, whose calls take more room. Without
# threads of jumps gcc warns of paths that there are not; builds with SANITIZE
# still look for them.
lean := -Wno-maybe-uninitialized -fno-thread-jumps -fno-shrink-wrap \
	-fno-tree-dominator-opts \
	$(if $(filter x86_64-%,$(shell $(CC) -dumpmachine)),-fno-caller-saves \
	-fno-inline-functions-called-once -fno-jump-tables \
	-fno-tree-switch-conversion -fno-partial-inlining \
	-fno-code-hoisting -fno-tree-forwprop -fno-forward-propagate \
	-fno-tree-tail-merge)
cflags += $(if $(shell $(CC) -Werror $(lean) -E -x c /dev/null >/dev/null 2>&1 && \
	echo y),$(lean))
endif
ifdef STATIC
ldflags += -static
else
cflags += $(if $(CONFIG_HARDEN),-fPIE,-fno-pie)
ldflags += $(if $(CONFIG_HARDEN),-pie,-no-pie)
endif
all-cflags := $(strip $(cflags) $(lib-cflags) $(CPPFLAGS) $(CFLAGS))
all-ldflags := $(strip $(ldflags) $(LDFLAGS))

# --- what is compiled -------------------------------------------------------

# A file that includes a library's header goes with the library; *_none.c are
# the twins that do without TLS; a `file` row gates one file of an applet.
including = $(shell grep -l '^\#include <$(1)' $(wildcard platform/*/*.c))
skip := %_test.c %_fuzz.c $(filter-out $(gated-y),$(gated)) \
	$(if $(CONFIG_TLS),%_none.c,%_mbedtls.c $(call including,mbedtls/)) \
	$(if $(CONFIG_TLS_SERVER),,$(addsuffix _mbedtls.c,$(addprefix %/tls_,\
		server cert ticket peer))) \
	$(if $(CONFIG_LIB_SQLITE),,$(call including,sqlite3.h)) \
	$(if $(CONFIG_LIB_ZLIB),,$(call including,zlib.h)) \
	$(if $(CONFIG_LIB_CRYPT),,$(call including,crypt.h))
objects = $(patsubst %.c,$(O)/%.o,$(filter-out $(skip),$(sort $(wildcard $(1)))))

main := $(O)/applets/main.o
applets := $(filter-out $(main),$(call objects,applets/*.c \
	$(patsubst %,applets/%/*.c,$(sort $(folders-y)))))
platform := $(call objects,platform/*/*.c)

# One archive a layer, in the order of the arrows: only members in use are
# linked, and a lower layer that calls a higher one does not link at all.
layers := $(patsubst %,$(O)/platform/%.a,store net mime os base)
$(foreach l,$(layers),$(eval $l: $(filter $(l:.a=)/%,$(platform))))

ifdef configured
$(call remember,$(G)/cflags,$(CC) $(all-cflags))
$(call remember,$(G)/ldflags,$(CC) $(all-ldflags) $(libs))
$(call remember,$(G)/objects,$(applets) $(platform))
endif

all: $(O)/pillarbox

$(G)/libs.stamp: $(G)/cflags config/check-libs
	$(Q)CC="$(CC)" config/check-libs '$(all-cflags)' $(if $(CONFIG_TLS),tls) \
		$(if $(CONFIG_LIB_SQLITE),sqlite) $(if $(CONFIG_LIB_ZLIB),zlib) \
		$(if $(CONFIG_LIB_CRYPT),crypt) $(if $(CONFIG_AUTHD_LDAP),ldap) \
		$(if $(CONFIG_AUTHD_MYSQL),mysql) \
		$(if $(and $(STATIC),$(CONFIG_AUTHD_DIRECTORY)),static) && \
		touch $@

# What users read in Chinese (platform/os/text.h).
$(G)/text_zh.h: platform/os/zh_CN.po config/text.awk
	$(Q)LC_ALL=C $(AWK) -f config/text.awk $< >$@
$(O)/platform/os/text_zh.o: $(G)/text_zh.h

$(O)/%.o: %.c $(G)/cflags | $(G)/libs.stamp
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(all-cflags) -MMD -MP -c -o $@ $<

$(O)/applets.a: $(applets)
$(O)/applets.a $(layers): $(G)/objects
	$(call say,AR)
	@mkdir -p $(@D)
	$(Q)rm -f $@ && $(AR) qcs $@ $(filter %.o,$^)

$(O)/pillarbox.full: $(main) $(applets) $(layers) $(G)/ldflags
	$(call say,LD)
	$(Q)$(CC) $(all-cflags) $(all-ldflags) -Wl,-Map=$@.map -o $@ \
		$(filter %.o %.a,$^) $(libs)

$(O)/pillarbox: $(O)/pillarbox.full
	$(Q)$(if $(SANITIZE),cp,$(STRIP) -s -o) $(if $(SANITIZE),$< $@,$@ $<)

# --- configuration: needs python3-kconfiglib, building does not -------------

kconfig = APPLETS_KCONFIG=$(G)/applets.kconfig KCONFIG_CONFIG=$(CONFIG) $(PYTHON)

menuconfig: $(made)
	$(kconfig) -m menuconfig Kconfig
# Buildroot and Yocto have no kconfiglib: new symbols then take their defaults.
oldconfig olddefconfig: $(made)
	$(Q)if $(PYTHON) -c 'import kconfiglib' 2>/dev/null; then \
		$(kconfig) -m $@ Kconfig; else \
		$(expand) -v full=$(CONFIG).new Kconfig $(G)/applets.kconfig \
			$(CONFIG) && mv $(CONFIG).new $(CONFIG); fi
allnoconfig: $(made)
	$(Q)$(kconfig) -m allnoconfig Kconfig
allyesconfig: $(made)
	$(Q)$(kconfig) -m allyesconfig Kconfig
randconfig: $(made)
	$(Q)$(kconfig) config/randconfig.py Kconfig
savedefconfig: $(made)
	$(Q)$(kconfig) -m savedefconfig --kconfig Kconfig \
		--out $(dir $(CONFIG))defconfig
%_defconfig: $(made)
	$(Q)$(kconfig) -m defconfig --kconfig Kconfig $(or $(call first,config/$@ \
		board-profiles/$*/defconfig),$(error no profile $*: there \
		are default $(patsubst board-profiles/%/defconfig,%,$(sort \
		$(wildcard board-profiles/*/defconfig)))))
	@echo '$*' >$(G)/profile
applets-kconfig: $(made)
	@echo $(G)/applets.kconfig

# --- install: $(PREFIX)/bin/pillarbox and a link for each applet ------------

installed = $(DESTDIR)$(patsubst usr/%,$(PREFIX)/%,$(1))

install: all
	mkdir -p $(DESTDIR)$(PREFIX)/bin
	cp $(O)/pillarbox $(DESTDIR)$(PREFIX)/bin/pillarbox
	$(Q)$(foreach l,$(links-y),mkdir -p $(dir $(call installed,$l)) && \
		ln -sf $(if $(filter usr/bin/%,$l),,../bin/)pillarbox $(call installed,$l) &&) :

# --- tests -------------------------------------------------------------------

programs = $(patsubst %.c,$(O)/%,$(sort $(wildcard platform/*/*_$(1).c applets/*/*_$(1).c)))
tests := $(call programs,test)
fuzzers := $(call programs,fuzz)

unit-tests: $(tests)
fuzzers: $(fuzzers)

# A test links its own layer and those below it, so it needs no more of them.
programs-in = $(filter $(1)/%,$(tests) $(fuzzers))
$(foreach n,1 2 3 4 5,$(eval $(call programs-in,$(basename $(word $n,$(layers)))): \
	$(wordlist $n,5,$(layers))))
$(call programs-in,$(O)/applets): $(O)/applets.a $(layers)

$(tests): lib := -lcmocka
$(fuzzers): lib := -fsanitize=fuzzer
$(tests) $(fuzzers): %: %.o $(G)/ldflags
	$(call say,LD)
	$(Q)$(CC) $(all-cflags) $(all-ldflags) -o $@ $@.o $(filter %.a,$^) \
		$(libs) $(lib)

check:
	@config/need build check
	@tests/run $(PARTS)
fuzz:
	@FUZZ_SECONDS=$(or $(TIME),60) tests/run fuzz
lint:
	@config/lint
bench: all
	@config/need build check
	@PILLARBOX=$(abspath $(O))/pillarbox BENCH_FACTOR=20 $(PYTHON) -m pytest \
		-q -s -p no:cacheprovider tests/bench
bench-smtpd: all
	@config/need build peers
	@PILLARBOX=$(abspath $(O))/pillarbox $(PYTHON) \
		tests/bench/smtpd_peers.py $(ARGS)
bench-queue: override ARGS += --relay
bench-queue: bench-smtpd
bench-send: all
	@config/need build peers
	@PILLARBOX=$(abspath $(O))/pillarbox $(PYTHON) \
		tests/bench/send_peers.py $(ARGS)
bench-mailbox: all
	@config/need build peers mailboxes
	@PILLARBOX=$(abspath $(O))/pillarbox $(PYTHON) \
		tests/bench/mailbox_peers.py $(ARGS)
bench-mail: all
	@config/need build check
	@PILLARBOX=$(abspath $(O))/pillarbox $(PYTHON) \
		tests/bench/mail_peers.py $(ARGS)
bench-login: all
	@config/need build check
	@PILLARBOX=$(abspath $(O))/pillarbox $(PYTHON) -m pytest \
		-q -s -p no:cacheprovider tests/bench/test_login.py
# With Postfix, Exim, OpenSMTPD, Dovecot, postgrey; their root folders stay in build/peers.
check-interop: all
	@config/need build check peers
	@PILLARBOX=$(abspath $(O))/pillarbox INTEROP=all $(PYTHON) -m pytest \
		-q -p no:cacheprovider tests/interop
# TIME=7200 seconds
soak: all
	@config/need build check
	@PILLARBOX=$(abspath $(O))/pillarbox $(PYTHON) tests/bench/soak \
		--time $(or $(TIME),600)
check-configs:
	@config/check-configs $(O)/configs
check-configs-ci:
	@config/check-configs -q -r 3 $(O)/configs
check-prices:
	@config/check-prices $(if $(FIX),-f) $(O)/prices
size: all
	@MAKE="$(MAKE)" AWK="$(AWK)" SIZE="$(SIZE)" config/size $(O) $(BASE)

# The profile is what NAME_defconfig was last.
size-check: all
	@SIZE="$(SIZE)" AWK="$(AWK)" PYTHON="$(PYTHON)" config/size-check $(O) \
		'$(file <$(G)/profile)' $(or $(CROSS),host)
size-table:
	@config/need build check boards
	@config/size-table $(if $(RELEASE),-r $(VERSION)) $(O)/sizes $(TARGETS)
check-boards:
	@config/need build check boards
	@tests/board/run $(O)/boards $(TARGETS)
deb:
	@config/need build deb
	@board-profiles/debian/build $(O)/deb

# An instance to try, in ./run; building comes after what it needs is there.
run:
	@config/need build run
	$(Q)$(MAKE) O=$(O) KCONFIG_CONFIG=$(CONFIG) all
	@exec config/run $(O)

clean:
	rm -rf $(O)

help:
	@echo 'all (default), install, size, run, check, clean'
	@echo 'menuconfig oldconfig olddefconfig savedefconfig allnoconfig'
	@echo 'allyesconfig randconfig NAME_defconfig'
	@echo 'check: unit-tests fuzz lint check-configs check-prices bench'
	@echo 'check-interop: mail to and from Postfix, Exim, OpenSMTPD'
	@echo 'soak: good and bad clients for TIME=600 seconds'
	@echo 'bench-smtpd: beside Postfix, OpenSMTPD and Exim; ARGS=--quick'
	@echo 'bench-queue: the same, relayed to a sink; bench-send: one message'
	@echo 'bench-mailbox: POP3 and LMTP beside Dovecot'
	@echo 'bench-mail: reading with mail, s-nail, bsd-mailx, mutt'
	@echo 'boards: size-check size-table check-boards deb'
	@echo 'CROSS= O= CROSS_COMPILE= CC= CFLAGS= LDFLAGS= STATIC=1 SANITIZE= V=1'
	@echo 'MBEDTLS= SQLITE= ZLIB= PKG_CONFIG= DESTDIR= PREFIX= BASE='

.PHONY: all clean install help size run check bench fuzz lint unit-tests fuzzers \
	bench-login bench-smtpd bench-queue bench-send bench-mailbox bench-mail soak check-interop size-check \
	size-table check-boards deb \
	check-configs check-configs-ci check-prices menuconfig oldconfig \
	olddefconfig allnoconfig allyesconfig randconfig savedefconfig \
	applets-kconfig

-include $(patsubst %.o,%.d,$(main) $(applets) $(platform))
-include $(patsubst %,%.d,$(tests) $(fuzzers))
