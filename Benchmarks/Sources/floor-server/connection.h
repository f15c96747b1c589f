/// One connection of the floor's server: bytes in, as many replies as there were whole requests, one write.
#pragma once

#include "floor_support.h"

enum { OUTPUT_BYTES = 1024 * 1024 };

struct server {
    int epoll;
    uint32_t reply_bytes;
    uint8_t *reply;
    /// Shared by all connections, as only one is handled at a time: they stay in the cache.
    uint8_t *input;
    uint8_t *output;
    size_t output_count;
    uint64_t calls;
    uint64_t reads;
    uint64_t writes;
};

struct connection;

void server_create(struct server *server, uint32_t reply_bytes);
void connection_open(struct server *server, int descriptor);
void connection_handle(struct server *server, struct connection *connection, uint32_t events);
