#pragma once
// The Hi6 Open API (HTTP, JSON) of the simulated controller as a function: request in, reply out.
// Pure; the caller decides when a request takes effect. Takes any bytes.
//
//   GET  /api_ver                             5
//   GET  /versions/sysver                     {"modules":[{"name":"com",...},{"name":"tp",...}]}
//   GET  /project/control/ios/dio/{di,do}_val?type=dib&blk_no=2&sig_no=3
//   GET  /project/control/ios/sio/{si,so}_val?type=sib&sig_no=1
//                                             {"_type":"JObject","val":-56}
//   GET  /project/plc/OBJECT/val_s32?st=0&len=30     [0, 0, -2139095040]
//                                             OBJECT: fb2_do fn3_di m s r k
//   POST /project/control/ios/dio/do_val      {"type":"dob","blk_no":2,"sig_no":3,"val":121}
//   POST /project/plc/set_relay_value         {"name":"fb3.dof14","value":"2.718"}
//   GET  /project/rgen  /project/robot/motor_on_state  /clock/date_time
//
// Errors are JSON too: {"error":"...","message":"..."} with 400 (parameters, range, read only),
// 404 (no such path, no such object, unconfigured fn window) or 405 (method).

#include "sim/memory.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace hi6gw::sim {

// What `st` of a block read counts: bytes by the manual, bits by a comment in a vendor's driver.
enum class BlockStart : std::uint8_t { byte, bit, word };

struct ApiOptions {
    IndexUnit index_unit = IndexUnit::byte;
    BlockStart block_start = BlockStart::byte;
    bool block_read = true;       // false: the block API is unknown (404)
    bool trailing_comma = false;  // {"val":-56,} as the vendor's manual prints it
    std::string system_version = "V60.30-00";
};

// What the controller says of itself; changed through the control interface.
struct RobotState {
    int cur_mode = 4;  // 0/1 manual, 3/4 automatic
    int motor = 0;     // 0 on, 1 busy, 2 off
    int is_playback = 1;
    int is_remote_mode = 1;
    int is_ext_start = 0;
    int cur_prog_no = 1;
    int cur_step_no = 0;
    int cur_func_no = 0;
};

struct Reply {
    unsigned status = 200;
    std::string body;
    std::string_view allow;  // of a 405
};

class Api {
  public:
    Api(Memory& memory, ApiOptions options) : memory_(memory), options_(std::move(options)) {}

    // Serves a request now: samples a read, applies a write.
    [[nodiscard]] Reply handle(std::string_view method, std::string_view target,
                               std::string_view body, std::chrono::system_clock::time_point now);

    [[nodiscard]] RobotState& robot() { return robot_; }
    [[nodiscard]] IndexUnit index_unit() const { return options_.index_unit; }

  private:
    struct Query;

    Reply single_read(std::string_view relay, bool has_block, const Query& query) const;
    Reply block_read(std::string_view object, const Query& query) const;
    Reply write_output(std::string_view body);
    Reply write_relay(std::string_view body);
    Reply write(const std::optional<Place>& place, const std::optional<std::uint32_t>& bits,
                std::string_view name);
    [[nodiscard]] Reply value_reply(std::string_view value) const;
    [[nodiscard]] Reply rgen() const;
    [[nodiscard]] std::optional<std::string> about(std::string_view path,
                                                   std::chrono::system_clock::time_point now) const;

    Memory& memory_;
    ApiOptions options_;
    RobotState robot_;
};

}  // namespace hi6gw::sim
