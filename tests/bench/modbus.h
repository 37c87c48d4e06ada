#pragma once
// As much of a Modbus/TCP device as a gateway for such devices polls: 64 coils, read by function 1,
// each answer 4 ms after its request, as the simulated controller's (Modbus Messaging on TCP/IP
// Implementation Guide V1.0b, 3.1.3; Modbus Application Protocol V1.1b3, 6.1).

#include "wire.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

namespace hi6gw::bench {

class ModbusDevice {
  public:
    ModbusDevice();  // on a free port of 127.0.0.1; throws
    ModbusDevice(const ModbusDevice&) = delete;
    ModbusDevice& operator=(const ModbusDevice&) = delete;
    ~ModbusDevice();

    [[nodiscard]] std::uint16_t port() const { return port_; }
    Change set(std::size_t coil, int value);

  private:
    void serve();
    void talk(int fd);
    [[nodiscard]] std::string answer(const std::string& request);

    int listener_;
    std::uint16_t port_ = 0;
    std::mutex mutex_;
    std::array<bool, 64> coils_{};
    std::thread thread_;
};

}  // namespace hi6gw::bench
