// Paho C 1.3.12 forgets topic and payload of messages that were queued but not yet written when
// their connection was lost (MQTTAsync_NULLPublishCommands); at most one window for each loss.
// LeakSanitizer asks this function which leaks to pass over.
extern "C" const char* __lsan_default_suppressions();  // NOLINT(bugprone-reserved-identifier)

extern "C" const char* __lsan_default_suppressions() {
    return "leak:libpaho-mqtt3as.so.1\n";
}
