/* What an owner can do about a provider's "no": its words mean little to him. */
#include "net/oauth.h"

#include <string.h>

/* All that a row names must be so; the first row that fits is it. */
static const struct row {
	const char *error;	/* NULL: any */
	const char *part;	/* of the description; NULL: any */
	const char *advice;
} rows[] = {
	/* Microsoft's numbers say more than the word beside them */
	{ NULL, "AADSTS7000218", "allow public client flows in the "
		"application's Authentication" },
	{ NULL, "AADSTS70002", "the application's secret is wrong or has "
		"ended: make a new one for --secret-file" },
	{ NULL, "AADSTS700016", "is --client-id right, and --tenant that of "
		"the application?" },
	{ NULL, "AADSTS50194", "the application is of one organization: "
		"give its --tenant" },
	{ NULL, "AADSTS90002", "is --tenant right?" },
	{ NULL, "AADSTS50059", "give --tenant" },
	{ NULL, "AADSTS65001", "an administrator has to consent to SMTP.Send "
		"for the application" },
	{ NULL, "AADSTS5300", "conditional access forbids it: ask the "
		"organization's administrator" },
	{ NULL, "AADSTS50105", "the administrator has to let this user use "
		"the application" },
	{ "access_denied", NULL, "it was refused in the browser: start again, "
		"and accept" },
	{ "authorization_declined", NULL, "it was refused in the browser: "
		"start again, and accept" },
	{ "expired_token", NULL, "nobody has signed in in time: start again" },
	{ "admin_policy_enforced", NULL, "the organization's administrator has "
		"to allow the application" },
	{ "redirect_uri_mismatch", NULL, "the client has to be of the type "
		"Desktop app" },
	{ "invalid_client", NULL, "is --client-id right, and its secret in "
		"--secret-file?" },
	{ "deleted_client", NULL, "is --client-id right, and its secret in "
		"--secret-file?" },
	{ "unauthorized_client", NULL, "is --client-id right, and the "
		"application of the right type?" },
	{ "invalid_scope", NULL, "is --scope right?" },
	{ "invalid_grant", "auth code", "a code is good once and for minutes: "
		"start again, and paste all of the address" },
	{ "invalid_grant", "expired or revoked", "Google ends those of an "
		"application in Testing after 7 days: publish it" }
};

const char *oauth_advice(const struct oauth_answer *a)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if ((!rows[i].error || strcmp(rows[i].error, a->error) == 0) &&
				(!rows[i].part || strstr(a->why,
							rows[i].part)))
			return rows[i].advice;
	return NULL;
}
