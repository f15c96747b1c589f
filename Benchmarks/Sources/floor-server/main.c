/// The floor's server: one thread, one epoll set, a fixed reply to every length-prefixed request.
/// It is what a request/reply server on this machine can reach at best through the kernel's loopback,
/// so it looks at nothing but the length. It ends when its stdin closes and then prints its CPU time.

#include "connection.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS_PER_TURN = 256 };

static void accept_all(struct server *server, int listener) {
    for (;;) {
        int descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor >= 0) {
            floor_disable_delay(descriptor);
            connection_open(server, descriptor);
        } else if (errno == EAGAIN) {
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            floor_fail("accept4");
        }
    }
}

static void add(struct server *server, int descriptor, void *tag) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = tag};
    // /dev/null and plain files cannot be waited for: without a stdin to watch, nothing would ever end this server.
    if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, descriptor, &event) != 0) floor_fail("epoll_ctl (stdin must be a pipe)");
}

static int stdin_is_closed(void) {
    char ignored[256];
    ssize_t count = read(STDIN_FILENO, ignored, sizeof ignored);
    return count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN);
}

static void serve_until_stdin_closes(struct server *server, int listener) {
    char listener_tag, stdin_tag;
    add(server, listener, &listener_tag);
    add(server, STDIN_FILENO, &stdin_tag);

    struct epoll_event events[EVENTS_PER_TURN];
    for (;;) {
        int count = epoll_wait(server->epoll, events, EVENTS_PER_TURN, -1);
        if (count < 0 && errno != EINTR) floor_fail("epoll_wait");
        for (int i = 0; i < count; i += 1) {
            void *tag = events[i].data.ptr;
            if (tag == &listener_tag) {
                accept_all(server, listener);
            } else if (tag == &stdin_tag) {
                if (stdin_is_closed()) return;
            } else {
                connection_handle(server, tag, events[i].events);
            }
        }
    }
}

int main(int argc, char **argv) {
    floor_refuse_debug_build();
    long port = 0, reply_bytes = 250;
    const struct floor_option options[] = {
        {"port", &port, 0, 65535},
        {"reply-bytes", &reply_bytes, FLOOR_MESSAGE_BYTES_MIN, FLOOR_MESSAGE_BYTES_MAX},
    };
    floor_parse_options(argc, argv, options, sizeof options / sizeof options[0]);

    int bound_port = 0;
    int listener = floor_listen(port, &bound_port);
    struct server server;
    server_create(&server, (uint32_t)reply_bytes);
    printf("floor: serving on 127.0.0.1:%d\n", bound_port);
    fflush(stdout);

    serve_until_stdin_closes(&server, listener);

    struct floor_cpu_time cpu = floor_own_cpu_time();
    printf("{\"calls\":%llu,\"reads\":%llu,\"writes\":%llu,\"userSeconds\":%.6f,\"systemSeconds\":%.6f,"
           "\"cpuSeconds\":%.6f}\n",
           (unsigned long long)server.calls, (unsigned long long)server.reads, (unsigned long long)server.writes,
           cpu.user_seconds, cpu.system_seconds, cpu.user_seconds + cpu.system_seconds);
    return 0;
}
