#include "http/connection.h"

#include <algorithm>
#include <stdexcept>

namespace hi6gw::http {
namespace {

// A blank or control character in the target would end the request line or smuggle in a header.
void check_target(std::string_view target) {
    const bool clean = std::all_of(target.begin(), target.end(),
                                   [](unsigned char c) { return c > 0x20 && c != 0x7F; });
    if (!clean || target.empty() || target.front() != '/') {
        throw std::invalid_argument("not a request target");
    }
}

std::string head(std::string_view method, const Endpoint& endpoint, std::string_view target) {
    check_target(target);
    std::string text;
    text.reserve(192 + target.size());
    text.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: ");
    const std::string_view host(endpoint.host);
    if (host.find(':') != std::string_view::npos) {
        text.append("[").append(host.substr(0, host.find('%'))).append("]");  // without a zone
    } else {
        text.append(host);
    }
    if (endpoint.port != 80) {
        text.append(":").append(std::to_string(endpoint.port));
    }
    // keep-alive is the default of HTTP/1.1, but some embedded servers want to be asked.
    text.append("\r\nAccept: application/json\r\nConnection: keep-alive\r\n");
    return text;
}

}  // namespace

std::string render_get(const Endpoint& endpoint, std::string_view target) {
    return head("GET", endpoint, target).append("\r\n");
}

std::string render_post(const Endpoint& endpoint, std::string_view target,
                        std::string_view json_body) {
    return head("POST", endpoint, target)
        .append("Content-Type: application/json; charset=utf-8\r\nContent-Length: ")
        .append(std::to_string(json_body.size()))
        .append("\r\n\r\n")
        .append(json_body);
}

const char* to_string(Phase phase) {
    switch (phase) {
        case Phase::resolve:
            return "resolve";
        case Phase::connect:
            return "connect";
        case Phase::write:
            return "write";
        case Phase::first_byte:
            return "first_byte";
        case Phase::header:
            return "header";
        case Phase::body:
            return "body";
    }
    return "?";
}

const char* to_string(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::none:
            return "none";
        case ErrorKind::timeout:
            return "timeout";
        case ErrorKind::unresolved:
            return "unresolved";
        case ErrorKind::refused:
            return "refused";
        case ErrorKind::unreachable:
            return "unreachable";
        case ErrorKind::closed:
            return "closed";
        case ErrorKind::malformed:
            return "malformed";
        case ErrorKind::too_large:
            return "too_large";
        case ErrorKind::cancelled:
            return "cancelled";
        case ErrorKind::other:
            return "failed";
    }
    return "?";
}

}  // namespace hi6gw::http
