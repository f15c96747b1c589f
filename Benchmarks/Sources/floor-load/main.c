/// The floor's load generator: a closed loop over `--connections`, each with `--in-flight` requests unanswered.
/// Every read's worth of replies is answered with as many new requests in one write. Prints one JSON object.

#include "load.h"

#include <stdio.h>

static void print_result(const struct load *load) {
    double seconds = (double)(load->measure_end - load->measure_start) / 1e9;
    double calls = (double)load->latencies.total;
    double cpu = load->cpu_end.user_seconds + load->cpu_end.system_seconds - load->cpu_start.user_seconds
        - load->cpu_start.system_seconds;
    printf("{\"calls\":%.0f,\"seconds\":%.6f,\"callsPerSecond\":%.1f,", calls, seconds, calls / seconds);
    printf("\"p50Microseconds\":%.2f,\"p99Microseconds\":%.2f,",
           (double)floor_histogram_quantile(&load->latencies, 0.5) / 1e3,
           (double)floor_histogram_quantile(&load->latencies, 0.99) / 1e3);
    floor_histogram_print_percentiles(&load->latencies, stdout);
    printf(",\"requestBytes\":%u,\"replyBytes\":%u,\"connections\":%u,\"inFlight\":%u,\"cpuSeconds\":%.6f}\n",
           load->request_bytes, load->reply_bytes, load->connection_count, load->in_flight, cpu);
}

int main(int argc, char **argv) {
    floor_refuse_debug_build();
    long port = 0, connections = 1, in_flight = 1, request_bytes = 84, reply_bytes = 250, seconds = 3, warmup = 1;
    const struct floor_option options[] = {
        {"port", &port, 0, 65535},
        {"connections", &connections, 1, 10000},
        {"in-flight", &in_flight, 1, 4096},
        {"request-bytes", &request_bytes, FLOOR_MESSAGE_BYTES_MIN, FLOOR_MESSAGE_BYTES_MAX},
        {"reply-bytes", &reply_bytes, FLOOR_MESSAGE_BYTES_MIN, FLOOR_MESSAGE_BYTES_MAX},
        {"seconds", &seconds, 1, 600},
        {"warm-up", &warmup, 0, 60},
    };
    floor_parse_options(argc, argv, options, sizeof options / sizeof options[0]);
    if (port == 0) {
        fprintf(stderr, "floor-load: --port is needed\n");
        return 2;
    }

    static struct load load;
    load.request_bytes = (uint32_t)request_bytes;
    load.reply_bytes = (uint32_t)reply_bytes;
    load.connection_count = (uint32_t)connections;
    load.in_flight = (uint32_t)in_flight;
    load_connect(&load, port);
    load_run(&load, (uint64_t)warmup * 1000000000ULL, (uint64_t)seconds * 1000000000ULL);
    print_result(&load);
    return 0;
}
