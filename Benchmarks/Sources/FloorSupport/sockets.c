#include "floor_support.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

static struct sockaddr_in loopback(long port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

void floor_disable_delay(int descriptor) {
    int on = 1;
    if (setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) floor_fail("TCP_NODELAY");
}

int floor_listen(long port, int *bound_port) {
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) floor_fail("socket");
    int on = 1;
    if (setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) floor_fail("SO_REUSEADDR");

    struct sockaddr_in address = loopback(port);
    socklen_t byte_count = sizeof address;
    if (bind(descriptor, (struct sockaddr *)&address, byte_count) != 0) floor_fail("bind");
    if (listen(descriptor, SOMAXCONN) != 0) floor_fail("listen");
    if (getsockname(descriptor, (struct sockaddr *)&address, &byte_count) != 0) floor_fail("getsockname");
    *bound_port = ntohs(address.sin_port);
    return descriptor;
}

int floor_connect(long port) {
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) floor_fail("socket");
    struct sockaddr_in address = loopback(port);
    if (connect(descriptor, (struct sockaddr *)&address, sizeof address) != 0) floor_fail("connect");
    floor_disable_delay(descriptor);
    // Only now: a blocking connect needs no second step.
    if (fcntl(descriptor, F_SETFL, O_NONBLOCK) != 0) floor_fail("O_NONBLOCK");
    return descriptor;
}
