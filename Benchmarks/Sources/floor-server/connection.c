#include "connection.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct connection {
    int descriptor;
    bool waits_to_write;
    /// The beginning of a request whose rest has not come yet.
    uint8_t *partial;
    size_t partial_count;
    /// Replies the kernel would not take. While there are any, nothing is read, so they never exceed one read's worth.
    uint8_t *unsent;
    size_t unsent_count;
    size_t unsent_start;
};

void server_create(struct server *server, uint32_t reply_bytes) {
    memset(server, 0, sizeof *server);
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (server->epoll < 0) floor_fail("epoll_create1");
    server->reply_bytes = reply_bytes;
    server->reply = floor_allocate(reply_bytes);
    floor_fill_messages(server->reply, 1, reply_bytes);
    server->input = floor_allocate(FLOOR_MESSAGE_BYTES_MAX + FLOOR_READ_BYTES);
    server->output = floor_allocate(OUTPUT_BYTES);
}

static void wait_for(struct server *server, struct connection *connection, int operation, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = connection};
    if (epoll_ctl(server->epoll, operation, connection->descriptor, &event) != 0) floor_fail("epoll_ctl");
    connection->waits_to_write = events == EPOLLOUT;
}

void connection_open(struct server *server, int descriptor) {
    struct connection *connection = floor_allocate(sizeof *connection);
    connection->descriptor = descriptor;
    connection->partial = floor_allocate(FLOOR_MESSAGE_BYTES_MAX);
    wait_for(server, connection, EPOLL_CTL_ADD, EPOLLIN);
}

static void connection_close(struct connection *connection) {
    close(connection->descriptor);
    free(connection->partial);
    free(connection->unsent);
    free(connection);
}

/// How many of the bytes the kernel took; -1 when the peer is gone.
static ssize_t try_send(struct server *server, struct connection *connection, const uint8_t *bytes, size_t count) {
    for (;;) {
        ssize_t sent = send(connection->descriptor, bytes, count, MSG_NOSIGNAL);
        server->writes += 1;
        if (sent >= 0) return sent;
        if (errno == EAGAIN) return 0;
        if (errno != EINTR) return -1;
    }
}

static void keep_unsent(struct connection *connection, const uint8_t *bytes, size_t count) {
    uint8_t *grown = realloc(connection->unsent, connection->unsent_count + count);
    if (grown == NULL) floor_fail("realloc");
    memcpy(grown + connection->unsent_count, bytes, count);
    connection->unsent = grown;
    connection->unsent_count += count;
}

static bool send_output(struct server *server, struct connection *connection) {
    size_t sent_count = 0;
    if (connection->unsent_count == 0) {
        ssize_t sent = try_send(server, connection, server->output, server->output_count);
        if (sent < 0) return false;
        sent_count = (size_t)sent;
    }
    if (sent_count < server->output_count)
        keep_unsent(connection, server->output + sent_count, server->output_count - sent_count);
    server->output_count = 0;
    return true;
}

/// Answers every whole request of the input. The count of bytes consumed; -1 for a broken peer.
static ssize_t answer(struct server *server, struct connection *connection, size_t count) {
    size_t at = 0;
    while (count - at >= FLOOR_LENGTH_BYTES) {
        uint32_t request_bytes = floor_load_length(server->input + at);
        if (request_bytes < FLOOR_MESSAGE_BYTES_MIN || request_bytes > FLOOR_MESSAGE_BYTES_MAX) return -1;
        if (count - at < request_bytes) break;
        at += request_bytes;

        if (server->output_count + server->reply_bytes > OUTPUT_BYTES && !send_output(server, connection)) return -1;
        memcpy(server->output + server->output_count, server->reply, server->reply_bytes);
        server->output_count += server->reply_bytes;
        server->calls += 1;
    }
    return (ssize_t)at;
}

/// False when the connection is at its end.
static bool handle_readable(struct server *server, struct connection *connection) {
    size_t count = connection->partial_count;
    memcpy(server->input, connection->partial, count);
    ssize_t received = recv(connection->descriptor, server->input + count, FLOOR_READ_BYTES, 0);
    server->reads += 1;
    if (received < 0) return errno == EAGAIN || errno == EINTR;
    if (received == 0) return false;
    count += (size_t)received;

    server->output_count = 0;
    ssize_t consumed = answer(server, connection, count);
    if (consumed < 0) return false;
    connection->partial_count = count - (size_t)consumed;
    memcpy(connection->partial, server->input + consumed, connection->partial_count);

    if (server->output_count > 0 && !send_output(server, connection)) return false;
    if (connection->unsent_count > 0) wait_for(server, connection, EPOLL_CTL_MOD, EPOLLOUT);
    return true;
}

static bool handle_writable(struct server *server, struct connection *connection) {
    ssize_t sent = try_send(
        server, connection, connection->unsent + connection->unsent_start,
        connection->unsent_count - connection->unsent_start);
    if (sent < 0) return false;
    connection->unsent_start += (size_t)sent;
    if (connection->unsent_start == connection->unsent_count) {
        connection->unsent_start = 0;
        connection->unsent_count = 0;
        wait_for(server, connection, EPOLL_CTL_MOD, EPOLLIN);
    }
    return true;
}

void connection_handle(struct server *server, struct connection *connection, uint32_t events) {
    bool is_alive;
    if (connection->waits_to_write) {
        is_alive = (events & (EPOLLERR | EPOLLHUP)) == 0 && handle_writable(server, connection);
    } else {
        is_alive = handle_readable(server, connection);
    }
    if (!is_alive) connection_close(connection);
}
