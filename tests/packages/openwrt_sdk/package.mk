# BuildPackage in small. For each package: show/NAME prints its fields,
# install/NAME installs into DEST. For the variant: configure.
PKG_BUILD_DIR := $(BUILD)
PKG_INSTALL_DIR := $(BUILD)/ipkg-install

FIELDS := SECTION CATEGORY TITLE DEPENDS VARIANT DEFAULT_VARIANT PROVIDES \
	CONFLICTS USERID ALTERNATIVES MENU
define clear
  $(1):=
endef
define keep
  $(1)/$(2):=$$(strip $$($(2)))
endef

define BuildPackage
  $(foreach f,$(FIELDS),$(eval $(call clear,$(f))))
  $(eval $(Package/$(1)))
  $(foreach f,$(FIELDS),$(eval $(call keep,$(1),$(f))))
  show/$(1):
	@printf '%s\n' $(foreach f,$(FIELDS),'$(f)=$($(1)/$(f))') \
		'conffiles=$(strip $(Package/$(1)/conffiles))' \
		'config=$(strip $(Package/$(1)/config))' \
		'PKG_CONFIG_DEPENDS=$(PKG_CONFIG_DEPENDS)' \
		'PKG_BUILD_FLAGS=$(PKG_BUILD_FLAGS)' \
		'PKG_VERSION=$(PKG_VERSION)' 'MAKE_FLAGS=$(strip $(MAKE_FLAGS))'
  install/$(1):
	$$(call Package/$(1)/install,$$(DEST))
endef

configure:
	$(call Build/Configure)
