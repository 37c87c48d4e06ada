// hi6gw: the gateway between Hi6 robot controllers and MQTT. The table of contents is
// app/application.cpp.
#include "cli/arguments.h"

int main(int argc, char** argv) {
    return hi6gw::cli::main(argc, argv);
}
