#define make_paho_session make_genuine_paho_session
#include "mqtt/paho_session.cpp"  // NOLINT(bugprone-suspicious-include)
