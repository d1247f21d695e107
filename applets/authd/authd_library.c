/*
 * Opened only by who is configured to use them, as they and what they need are
 * several times our size: no other applet shall have to load them, and no
 * package to depend on them.
 */
#include "authd/authd_directory.h"

#include <dlfcn.h>
#include <string.h>

int authd_library(const char *const *names, const struct authd_call *rows,
		void *calls, struct err *err)
{
	const char *first = *names;
	void *library = NULL, *found;

	for (; *names && !library; names++)
		library = dlopen(*names, RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return err_set(err, ERR_TEMP, "%s is not installed", first);
	for (; rows->name; rows++) {
		found = dlsym(library, rows->name);
		if (!found)
			return err_set(err, ERR_TEMP, "%s has no %s", first,
					rows->name);
		memcpy((char *)calls + rows->offset, &found, sizeof(found));
	}
	return 0;
}
