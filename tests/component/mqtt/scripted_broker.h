#pragma once
// As much of a broker as it takes to answer a CONNECT in the way a test wants, on raw sockets.

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace hi6gw::mqtt {

class ScriptedBroker {
  public:
    // Bytes to answer a CONNECT of this protocol level (4: 3.1.1, 5) with; empty: close.
    using Answer = std::function<std::string(int level)>;
    // `suback`, `puback`: reason code in every SUBACK and in every PUBACK.
    explicit ScriptedBroker(Answer answer, std::uint8_t suback = 1, std::uint8_t puback = 0);
    ScriptedBroker(const ScriptedBroker&) = delete;
    ScriptedBroker& operator=(const ScriptedBroker&) = delete;
    ~ScriptedBroker();

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::vector<int> levels() const;  // of the CONNECTs so far

  private:
    void serve();
    void talk(int fd);

    Answer answer_;
    std::uint8_t suback_;
    std::uint8_t puback_;
    int listener_ = -1;
    int quit_ = -1;  // eventfd
    std::uint16_t port_ = 0;
    mutable std::mutex mutex_;
    std::vector<int> levels_;
    std::thread thread_;
};

}  // namespace hi6gw::mqtt
