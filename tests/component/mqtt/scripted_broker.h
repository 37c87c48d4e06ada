#pragma once
// As much of a broker as it takes to answer a CONNECT in the way a test wants, on raw sockets.

#include <atomic>
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
    enum class Unsuback : std::uint8_t { normal, refused, silence, hang_up };
    // `suback`, `puback`: reason code in every SUBACK and in every PUBACK.
    explicit ScriptedBroker(Answer answer, std::uint8_t suback = 1, std::uint8_t puback = 0,
                            Unsuback unsuback = Unsuback::normal);
    ScriptedBroker(const ScriptedBroker&) = delete;
    ScriptedBroker& operator=(const ScriptedBroker&) = delete;
    ~ScriptedBroker();

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::vector<int> levels() const;  // of the CONNECTs so far
    [[nodiscard]] int unsubscribes() const { return unsubscribes_; }
    // Writes to the present client, as it is.
    void send(const std::string& bytes);

  private:
    void serve();
    void talk(int fd);
    void set_client(int fd);
    [[nodiscard]] std::string unsuback(int level, const std::string& id) const;

    Answer answer_;
    std::uint8_t suback_;
    std::uint8_t puback_;
    Unsuback unsuback_;
    std::atomic<int> unsubscribes_{0};
    int client_ = -1;
    int listener_ = -1;
    int quit_ = -1;  // eventfd
    std::uint16_t port_ = 0;
    mutable std::mutex mutex_;
    std::vector<int> levels_;
    std::thread thread_;
};

}  // namespace hi6gw::mqtt
