// The gRPC peer in C++: the callback API, 100,000 executions in a hash table. Ends when its standard input closes.

#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <cstdio>
#include <unordered_map>

#include "fleet.h"
#include "job_execution.grpc.pb.h"

namespace {

errand::JobExecution Sample(const std::string& thing_name) {
    errand::JobExecution execution;
    execution.set_job_id(fleet::kJobId);
    execution.set_thing_name(thing_name);
    execution.set_status(2);
    execution.set_queued_at_milliseconds(1790000000000);
    execution.set_started_at_milliseconds(1790000000500);
    execution.set_last_updated_at_milliseconds(1790000001000);
    execution.set_version_number(3);
    execution.set_execution_number(1);
    const std::pair<const char*, const char*> details[] = {
        {"progress", "42/100"},
        {"step", "download: block 0042 of 0100"},
        {"firmware", "press-controller 7.4.1-rc2+build.5521"}};
    for (const auto& [key, value] : details) {
        auto* detail = execution.add_details();
        detail->set_key(key);
        detail->set_value(value);
    }
    return execution;
}

class Service final : public errand::JobExecutions::CallbackService {
public:
    Service() {
        executions_.reserve(fleet::kThingCount);
        for (uint32_t i = 0; i < fleet::kThingCount; i += 1)
            executions_.emplace(fleet::ThingName(i), Sample(fleet::ThingName(i)));
    }

    grpc::ServerUnaryReactor* Describe(
        grpc::CallbackServerContext* context, const errand::DescribeRequest* request,
        errand::JobExecution* reply) override {
        auto* reactor = context->DefaultReactor();
        auto found = executions_.find(request->thing_name());
        if (found == executions_.end()) {
            reactor->Finish(grpc::Status(grpc::StatusCode::NOT_FOUND, "no such execution"));
        } else {
            *reply = found->second;
            reactor->Finish(grpc::Status::OK);
        }
        return reactor;
    }

private:
    std::unordered_map<std::string, errand::JobExecution> executions_;
};

}  // namespace

int main(int argc, char** argv) {
    Service service;
    int port = static_cast<int>(fleet::Option(argc, argv, "port", 0));
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:" + std::to_string(port), grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service);
    auto server = builder.BuildAndStart();
    if (server == nullptr) {
        std::fprintf(stderr, "grpc-cpp: cannot listen\n");
        return 1;
    }
    std::printf("grpc-cpp: serving on 127.0.0.1:%d\n", port);
    std::fflush(stdout);
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
    server->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(1));
    return 0;
}
