#include "app/config_reader.h"

#include <utility>

namespace hi6gw::app {
namespace {

constexpr std::chrono::milliseconds kDiskPatience{400};  // of a shutdown, with a disk that hangs

}  // namespace

ConfigReader::ConfigReader(const boost::asio::any_io_executor& executor, Time& time,
                           std::filesystem::path file)
    : time_(time),
      file_(std::move(file)),
      alarm_(time.alarm()),
      box_(std::make_shared<Mailbox<Answer>>(executor, [this](Answer& answer) {
          if (answer.turn == turn_) {
              loaded_ = std::move(answer.loaded);
              alarm_->wake();
          }
      })) {}

boost::asio::awaitable<config::Loaded> ConfigReader::read() {
    loaded_.reset();
    worker_ = std::make_unique<Worker>(kDiskPatience);
    worker_->post([box = box_, file = file_, turn = ++turn_] {
        auto loaded =
            std::make_unique<config::Loaded>(config::load(file, config::process_environment()));
        box->put([&](Answer& answer) {
            answer.loaded = std::move(loaded);
            answer.turn = turn;
        });
    });
    const auto deadline = time_.now() + kPatience;
    while (!loaded_ && time_.now() < deadline) {
        co_await alarm_->wait_until(deadline);
    }
    worker_.reset();
    if (!loaded_) {
        loaded_ = std::make_unique<config::Loaded>();
        config::Problem& problem = loaded_->problems.emplace_back();
        problem.file = file_.string();
        problem.text = "cannot be read in time";
    }
    co_return std::move(*loaded_);
}

}  // namespace hi6gw::app
