#pragma once
// Errors as values at module boundaries (std::expected is C++23). What can fail returns Result<T>;
// a Fault says in words what is wrong, for a log line or a configuration report. Where the caller
// must act on the kind of failure, the module returns an enum of its own instead (see
// http/connection.h, hi6/controller_client.h).

#include <boost/system/result.hpp>

#include <stdexcept>
#include <string>

namespace hi6gw {

struct Fault {
    std::string what;
};

// Called by Result::value() on an error: only a programmer's mistake gets here.
[[noreturn]] inline void throw_exception_from_error(const Fault& fault,
                                                    const boost::source_location& /*where*/) {
    throw std::logic_error("unchecked Result: " + fault.what);
}

template <class T>
using Result = boost::system::result<T, Fault>;

}  // namespace hi6gw
