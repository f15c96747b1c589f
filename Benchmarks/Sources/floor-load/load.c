#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { EVENTS_PER_TURN = 256, STALL_MILLISECONDS = 10000 };

struct connection {
    int descriptor;
    /// Bytes of requests that the kernel would not take yet; they end at a request's end.
    size_t unsent_count;
    /// Bytes of the current reply already seen.
    uint32_t reply_offset;
    /// When each unanswered request was sent, a ring in order of sending: replies come in that order, and
    /// as each is replaced by a new request at once, the slot of the oldest is that of the newest.
    uint64_t *sent_at;
    uint32_t oldest;
};

static _Noreturn void stop(const char *why) {
    fprintf(stderr, "floor-load: %s\n", why);
    exit(1);
}

void load_connect(struct load *load, long port) {
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (load->epoll < 0) floor_fail("epoll_create1");
    load->input = floor_allocate(FLOOR_READ_BYTES);
    // One more than can be unsent, since a write may have to start in the middle of the first.
    load->requests = floor_allocate((size_t)(load->in_flight + 1) * load->request_bytes);
    floor_fill_messages(load->requests, load->in_flight + 1, load->request_bytes);

    load->connections = floor_allocate(load->connection_count * sizeof *load->connections);
    for (uint32_t i = 0; i < load->connection_count; i += 1) {
        struct connection *connection = &load->connections[i];
        connection->descriptor = floor_connect(port);
        connection->sent_at = floor_allocate(load->in_flight * sizeof *connection->sent_at);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
        if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, connection->descriptor, &event) != 0) floor_fail("epoll_ctl");
    }
}

static void watch(struct load *load, struct connection *connection, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = connection};
    if (epoll_ctl(load->epoll, EPOLL_CTL_MOD, connection->descriptor, &event) != 0) floor_fail("epoll_ctl");
}

/// Sends `count` more requests, or with 0 what an earlier write left over.
static void send_requests(struct load *load, struct connection *connection, uint32_t count) {
    size_t earlier_count = connection->unsent_count;
    size_t byte_count = earlier_count + (size_t)count * load->request_bytes;
    size_t start = (load->request_bytes - byte_count % load->request_bytes) % load->request_bytes;
    ssize_t sent = send(connection->descriptor, load->requests + start, byte_count, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) floor_fail("send");
    connection->unsent_count = byte_count - (sent > 0 ? (size_t)sent : 0);
    if (connection->unsent_count > 0 && earlier_count == 0) watch(load, connection, EPOLLIN | EPOLLOUT);
    if (connection->unsent_count == 0 && earlier_count > 0) watch(load, connection, EPOLLIN);
}

/// The whole replies that `count` new bytes complete. Lengths are checked, so that a wrong server is not measured.
static uint32_t count_replies(struct load *load, struct connection *connection, size_t count) {
    size_t next = connection->reply_offset == 0 ? 0 : load->reply_bytes - connection->reply_offset;
    for (; next + FLOOR_LENGTH_BYTES <= count; next += load->reply_bytes)
        if (floor_load_length(load->input + next) != load->reply_bytes) stop("a reply has another length than asked for");
    size_t total = connection->reply_offset + count;
    connection->reply_offset = (uint32_t)(total % load->reply_bytes);
    return (uint32_t)(total / load->reply_bytes);
}

static void handle_readable(struct load *load, struct connection *connection) {
    ssize_t received = recv(connection->descriptor, load->input, FLOOR_READ_BYTES, 0);
    if (received == 0) stop("the server closed a connection");
    if (received < 0) {
        if (errno == EAGAIN || errno == EINTR) return;
        floor_fail("recv");
    }
    uint32_t count = count_replies(load, connection, (size_t)received);
    if (count == 0) return;
    if (count > load->in_flight) stop("more replies than requests");

    // One reading of the clock per batch, as end of these calls and start of their successors.
    uint64_t now = floor_now_nanoseconds();
    for (uint32_t i = 0; i < count; i += 1) {
        floor_histogram_record(&load->latencies, now - connection->sent_at[connection->oldest]);
        connection->sent_at[connection->oldest] = now;
        connection->oldest = connection->oldest + 1 == load->in_flight ? 0 : connection->oldest + 1;
    }
    send_requests(load, connection, count);
}

static uint64_t run_until(struct load *load, uint64_t deadline) {
    struct epoll_event events[EVENTS_PER_TURN];
    uint64_t now = floor_now_nanoseconds();
    while (now < deadline) {
        int count = epoll_wait(load->epoll, events, EVENTS_PER_TURN, STALL_MILLISECONDS);
        if (count < 0 && errno != EINTR) floor_fail("epoll_wait");
        if (count == 0) stop("no reply for 10 seconds");
        for (int i = 0; i < count; i += 1) {
            struct connection *connection = events[i].data.ptr;
            if (events[i].events & EPOLLOUT) send_requests(load, connection, 0);
            if (events[i].events & ~(uint32_t)EPOLLOUT) handle_readable(load, connection);
        }
        now = floor_now_nanoseconds();
    }
    return now;
}

void load_run(struct load *load, uint64_t warmup_nanoseconds, uint64_t measured_nanoseconds) {
    uint64_t start = floor_now_nanoseconds();
    for (uint32_t i = 0; i < load->connection_count; i += 1) {
        struct connection *connection = &load->connections[i];
        for (uint32_t slot = 0; slot < load->in_flight; slot += 1) connection->sent_at[slot] = start;
        send_requests(load, connection, load->in_flight);
    }
    run_until(load, start + warmup_nanoseconds);

    floor_histogram_reset(&load->latencies);
    load->cpu_start = floor_own_cpu_time();
    load->measure_start = floor_now_nanoseconds();
    load->measure_end = run_until(load, load->measure_start + measured_nanoseconds);
    load->cpu_end = floor_own_cpu_time();
}
