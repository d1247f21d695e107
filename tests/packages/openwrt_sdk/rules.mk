# What the package's Makefile uses of OpenWrt's rules.mk. CONFIG is a .config.
-include $(CONFIG)

INCLUDE_DIR := $(TOPDIR)
STAGING_DIR := /staging
PKG_CONFIG := /staging/host/bin/pkg-config
TARGET_CROSS := mips-openwrt-linux-musl-
INSTALL_DIR := install -d -m0755
INSTALL_BIN := install -m0755
INSTALL_CONF := install -m0600
INSTALL_DATA := install -m0644
CP := cp -fpR
LN := ln -sf
MAKE_FLAGS = AR="$(TARGET_CROSS)gcc-ar"
