# At login: what keeps mail from going out until somebody helps (docs/oauth.md).
[ ! -s /run/pillarbox/notice ] || cat /run/pillarbox/notice
