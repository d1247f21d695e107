/* own - addresses that are this machine: mail must not go round in a circle */
#ifndef NET_OWN_H
#define NET_OWN_H

#include <stdbool.h>
#include <sys/socket.h>

/* 127.0.0.0/8, 0.0.0.0/8, ::1, ::, and IPv4's written as IPv6. */
bool own_loopback(const struct sockaddr *addr);
/* An address of one of our interfaces, as far as the kernel knows. */
bool own_interface(const struct sockaddr *addr);

#endif
