// A closed loop of describes over gRPC C++'s callback API: each call's end begins the next one. Keys are random, every
// reply is checked. Prints one JSON object, as the other load generators do.

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cstdio>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "fleet.h"
#include "job_execution.grpc.pb.h"

extern "C" {
#include "floor_histogram.h"
}

namespace {

struct Run {
    uint64_t begins;
    uint64_t ends;
    std::atomic<long> unfinished;
    std::atomic<bool> failed{false};
};

// One call in flight, again and again. Its callback runs on one of gRPC's threads, never on two at once.
class Caller {
public:
    Caller(errand::JobExecutions::Stub* stub, Run* run, uint64_t seed)
        : stub_(stub), run_(run), random_(seed * 0x9E3779B97F4A7C15ULL), latencies_(new floor_histogram) {
        floor_histogram_reset(latencies_.get());
    }

    void Start() {
        context_ = std::make_unique<grpc::ClientContext>();
        request_.set_job_id(fleet::kJobId);
        request_.set_thing_name(fleet::ThingName(NextKey()));
        sent_at_ = fleet::NowNanoseconds();
        stub_->async()->Describe(context_.get(), &request_, &reply_, [this](grpc::Status status) { Done(status); });
    }

    const floor_histogram& latencies() const { return *latencies_; }

private:
    void Done(const grpc::Status& status) {
        uint64_t now = fleet::NowNanoseconds();
        bool is_right = status.ok() && reply_.thing_name() == request_.thing_name() && reply_.details_size() == 3;
        if (!is_right && !run_->failed.exchange(true))
            std::fprintf(stderr, "grpc-cpp: wrong reply: %s\n", status.error_message().c_str());
        if (sent_at_ >= run_->begins && now <= run_->ends) floor_histogram_record(latencies_.get(), now - sent_at_);
        if (is_right && now < run_->ends) {
            Start();
        } else {
            run_->unfinished.fetch_sub(1);
        }
    }

    uint32_t NextKey() {
        random_ ^= random_ << 13;
        random_ ^= random_ >> 7;
        random_ ^= random_ << 17;
        return static_cast<uint32_t>(((random_ * 0x2545F4914F6CDD1DULL) >> 32) * fleet::kThingCount >> 32);
    }

    errand::JobExecutions::Stub* stub_;
    Run* run_;
    uint64_t random_;
    uint64_t sent_at_ = 0;
    std::unique_ptr<floor_histogram> latencies_;
    std::unique_ptr<grpc::ClientContext> context_;
    errand::DescribeRequest request_;
    errand::JobExecution reply_;
};

}  // namespace

int main(int argc, char** argv) {
    long port = fleet::Option(argc, argv, "port", 0);
    long connections = fleet::Option(argc, argv, "connections", 1);
    long in_flight = fleet::Option(argc, argv, "in-flight", 64);
    long seconds = fleet::Option(argc, argv, "seconds", 3);
    long warm_up = fleet::Option(argc, argv, "warm-up", 1);

    std::vector<std::unique_ptr<errand::JobExecutions::Stub>> stubs;
    for (long i = 0; i < connections; i += 1) {
        grpc::ChannelArguments arguments;
        // Otherwise channels to one address share a connection.
        arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
        stubs.push_back(errand::JobExecutions::NewStub(grpc::CreateCustomChannel(
            "127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials(), arguments)));
    }

    Run run;
    run.begins = fleet::NowNanoseconds() + static_cast<uint64_t>(warm_up) * 1000000000ULL;
    run.ends = run.begins + static_cast<uint64_t>(seconds) * 1000000000ULL;
    run.unfinished = connections * in_flight;
    std::vector<std::unique_ptr<Caller>> callers;
    for (long i = 0; i < connections * in_flight; i += 1)
        callers.push_back(std::make_unique<Caller>(stubs[i % connections].get(), &run, i + 1));
    for (auto& caller : callers) caller->Start();
    while (run.unfinished.load() > 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    if (run.failed) return 1;

    auto total = std::make_unique<floor_histogram>();
    floor_histogram_reset(total.get());
    for (auto& caller : callers) {
        total->total += caller->latencies().total;
        for (int i = 0; i < FLOOR_HISTOGRAM_BUCKETS; i += 1) total->counts[i] += caller->latencies().counts[i];
    }
    std::printf(
        "{\"calls\":%llu,\"seconds\":%ld,\"callsPerSecond\":%.1f,\"p50Microseconds\":%.2f,\"p99Microseconds\":%.2f,",
        static_cast<unsigned long long>(total->total), seconds, static_cast<double>(total->total) / seconds,
        floor_histogram_quantile(total.get(), 0.5) / 1e3, floor_histogram_quantile(total.get(), 0.99) / 1e3);
    floor_histogram_print_percentiles(total.get(), stdout);
    std::printf(
        ",\"requestBytes\":0,\"replyBytes\":0,\"connections\":%ld,\"inFlight\":%ld}\n", connections, in_flight);
    return 0;
}
