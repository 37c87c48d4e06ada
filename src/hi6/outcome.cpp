#include "hi6/outcome.h"

namespace hi6gw::hi6 {

const char* to_string(Outcome outcome) {
    switch (outcome) {
        case Outcome::ok:
            return "ok";
        case Outcome::refused:
            return "refused";
        case Outcome::unauthorised:
            return "unauthorised";
        case Outcome::server_error:
            return "server_error";
        case Outcome::bad_data:
            return "bad_data";
        case Outcome::not_sent:
            return "not_sent";
        case Outcome::lost:
            break;
    }
    return "lost";
}

}  // namespace hi6gw::hi6
