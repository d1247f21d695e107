/* log - syslog in the background, stderr in the foreground; a line an event */
#ifndef OS_LOG_H
#define OS_LOG_H

#include <stdbool.h>

enum log_level {
	LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG
};

/* name is kept, not copied. Before log_open lines go to stderr. */
void log_open(const char *name, bool to_stderr);
void log_level(enum log_level most);
/*
 * Control characters and bytes over 126 are written as \xNN, so that a
 * client cannot forge lines. Never put a secret in.
 */
#define log_error(...) log_put("0" __VA_ARGS__)
#define log_warn(...) log_put("1" __VA_ARGS__)
#define log_info(...) log_put("2" __VA_ARGS__)
#define log_debug(...) log_put("3" __VA_ARGS__)

/* The enum log_level is fmt's first character: a byte a call, and one body. */
void log_put(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
