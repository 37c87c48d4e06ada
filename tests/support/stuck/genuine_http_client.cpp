#define make_http_client make_genuine_http_client
#include "hi6/http_client.cpp"  // NOLINT(bugprone-suspicious-include)
