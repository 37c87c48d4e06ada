#pragma once
// How a test of a fault ends that leaves the gateway at work: with the invariants
// (tests/README.md).

#include "support/invariants.h"
#include "system/plant.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace hi6gw::test {

inline void expect_well(Invariants& invariants, Gateway& gateway) {
    std::string untrue;
    EXPECT_TRUE(invariants.state_is_true(kPatience, untrue)) << untrue;
    EXPECT_TRUE(gateway.process().running()) << "I10";
    EXPECT_EQ(gateway.stop(), 0) << gateway.process().err();
    EXPECT_EQ(invariants.broken(), "");
}

// A plant that is judged from its start.
struct JudgedPlant : Plant {
    JudgedPlant(const std::string& signals, std::vector<WatchedSignal> watched,
                const std::vector<std::string>& simulator_arguments = {},
                const std::string& controller_keys = "")
        : Plant(signals, simulator_arguments, controller_keys), invariants(broker) {
        invariants.watch("r1", simulator, std::move(watched));
    }
    void expect_well() { test::expect_well(invariants, gateway); }
    Invariants invariants;
};

}  // namespace hi6gw::test
