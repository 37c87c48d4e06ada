#include "config/loader.h"

#include "base/clock.h"
#include "base/file.h"
#include "config/keys.h"
#include "config/report.h"
#include "config/signals.h"
#include "config/topic_check.h"
#include "config/values.h"
#include "config/yaml_tree.h"
#include "hi6/quote.h"
#include "mqtt/expiry.h"
#include "mqtt/tls_files.h"
#include "mqtt/topics.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>

namespace hi6gw::config {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

constexpr std::int64_t kMebibyte = 1024 * 1024;
constexpr std::size_t kMaxPasswordBytes = 65535;  // MQTT 5.0 section 3.1.3.6
constexpr std::size_t kShownPath = 512;

std::string sanitized(std::string name) {
    std::replace_if(name.begin(), name.end(), [](char c) { return !is_identifier({&c, 1}); }, '-');
    return name.empty() ? "hi6gw" : name;
}

struct Document {
    std::string file;
    YamlTree tree;
    bool good = false;
};

class Loader {
  public:
    explicit Loader(const Environment& environment)
        : environment_(environment), values_(report_, environment), signals_(values_) {}

    Loaded run(const fs::path& file);
    Loaded run(const fs::path& file, std::string_view yaml);

  private:
    Loaded result();
    void parse(Document& document, std::string_view yaml);
    void read_root(const Place& place);
    void read_gateway(const Place& place);
    void read_log(const Place& place);
    void read_http(const Place& place);
    void read_mqtt(const Place& place);
    void read_password(const Section& section);
    void read_password_file(const Place* place, const fs::path& file);
    void read_tls(const Place& place);
    void check_tls_files(const Section& section);
    void read_prefix(const Section& section);
    void read_commands(const Place& place);
    void read_events(const Place& place);
    void read_controllers(const Place& list);
    void read_controller(const Place& place);
    void read_identity(const Section& section, Controller& controller);
    void read_transfer(const Section& section, Controller& controller);
    void read_signals(const Section& section, Controller& controller);
    Document* open_map(const Place& place);

    // Takes over the value of a key that is given and right.
    template <class T, class Read>
    void take(const Section& section, std::string_view key, T& field, const Read& read) {
        if (const auto* place = section.find(key)) {
            if (auto value = read(*place)) {
                field = static_cast<T>(*std::move(value));
            }
        }
    }
    void take_text(const Section& section, std::string_view key, std::string& field) {
        take(section, key, field, [&](const Place& at) { return values_.text(at); });
    }
    void take_path(const Section& section, std::string_view key, std::string& field) {
        take(section, key, field, [&](const Place& at) -> std::optional<std::string> {
            const auto text = values_.text(at);
            return text ? std::optional(beside(*text).string()) : std::nullopt;
        });
    }
    // Reads a section of the root, or with its defaults when it is not given.
    template <class Read>
    void section_of(const Section& root, std::string_view key, const Read& read) {
        if (const auto* place = root.find(key)) {
            read(*place);
        } else {
            static const YamlTree::Node nothing_given;
            auto nothing = root.place().missing(key);
            nothing.node = &nothing_given;
            read(nothing);
        }
    }
    [[nodiscard]] fs::path beside(const std::string& path) const {
        return (directory_ / path).lexically_normal();
    }
    // A file as a problem may call it: what a variable holds is not shown.
    [[nodiscard]] static std::string named(const Place& place, const fs::path& file) {
        return Values::has_variable(place) ? "the file" : hi6::quoted(file.string(), kShownPath);
    }
    void warn_of_exposure(const Place& place, const fs::path& file) {
        const auto name = Values::has_variable(place) ? "FILE" : file.string();
        if (const std::string exposed = exposure(file, name); !exposed.empty()) {
            report_.warning(place, exposed);
        }
    }

    const Environment& environment_;
    Report report_;
    Values values_;
    SignalReader signals_;
    Config config_;
    fs::path file_;
    fs::path directory_;
    std::map<std::string, std::unique_ptr<Document>> maps_;
    std::vector<std::vector<Origin>> origins_;
    std::map<std::string, std::string> controller_names_;  // and where they stand
    std::map<std::string, std::string> controller_hosts_;
};

void Loader::parse(Document& document, std::string_view yaml) {
    const auto bad = document.tree.parse(yaml);
    document.good = !bad;
    if (bad) {
        report_.file_error(document.file, bad->line, bad->column, bad->text);
    }
}

Loaded Loader::run(const fs::path& file) {
    const auto yaml = read_file(file, kMaxFileBytes, FileKind::any);
    if (!yaml) {
        report_.file_error(file.string(), 0, 0, yaml.error().what);
        return result();
    }
    return run(file, *yaml);
}

Loaded Loader::run(const fs::path& file, std::string_view yaml) {
    file_ = file;
    directory_ = file.parent_path();
    Document document{file.string(), {}, false};
    parse(document, yaml);
    if (document.good) {
        read_root({&document.file, &document.tree.root(), nullptr, {}, 0});
    }
    return result();
}

Loaded Loader::result() {
    Loaded loaded;
    if (!report_.failed()) {
        loaded.config = std::move(config_);
    }
    loaded.problems = std::move(report_).sorted();
    return loaded;
}

void Loader::read_root(const Place& place) {
    const Section root(report_, place, kRootSection);
    if (place.node->kind != YamlTree::Kind::map) {
        if (place.node->kind == YamlTree::Kind::null) {
            report_.error(place, "the file is empty; controllers are needed");
        }
        return;
    }
    section_of(root, "gateway", [&](const Place& at) { read_gateway(at); });
    section_of(root, "log", [&](const Place& at) { read_log(at); });
    section_of(root, "http", [&](const Place& at) { read_http(at); });
    section_of(root, "mqtt", [&](const Place& at) { read_mqtt(at); });
    section_of(root, "commands", [&](const Place& at) { read_commands(at); });
    section_of(root, "events", [&](const Place& at) { read_events(at); });
    section_of(root, "payload", [&](const Place& at) {
        static constexpr std::pair<std::string_view, PayloadFormat> kFormats[] = {
            {"json", PayloadFormat::json}, {"raw", PayloadFormat::raw}};
        const Section section(report_, at, "payload");
        take(section, "format", config_.payload,
             [&](const Place& value) { return values_.choice(value, kFormats); });
    });
    section_of(root, "defaults", [&](const Place& at) { signals_.read_defaults(at); });
    if (const auto* list = root.find("controllers")) {
        read_controllers(*list);
    } else {
        report_.error(place.missing("controllers"), "is missing; at least one is needed");
    }
    section_of(root, "topics", [&](const Place& at) {
        const auto before = report_.errors();
        const Section section(report_, at, "topics");
        read_prefix(section);
        take_text(section, "state", config_.topics.state);
        take_text(section, "event", config_.topics.event);
        take_text(section, "set", config_.topics.set);
        take_text(section, "result", config_.topics.result);
        take_text(section, "status", config_.topics.status);
        take_text(section, "gap", config_.topics.gap);
        take_text(section, "gateway", config_.topics.gateway);
        // A name that is missing or there twice is reported already.
        if (report_.errors() == before && controller_names_.size() == config_.controllers.size()) {
            check_topics(report_, config_, place, &section, origins_);
        }
    });
}

void Loader::read_gateway(const Place& place) {
    const Section section(report_, place, "gateway");
    auto& gateway = config_.gateway;
    gateway.id = sanitized(environment_.host_name);
    take(section, "id", gateway.id, [&](const Place& at) { return values_.identifier(at); });
    // systemd lists several directories with colons; the unit has one.
    const auto state = environment_.variable("STATE_DIRECTORY").value_or("");
    gateway.state_dir = state.empty() ? "./state" : state.substr(0, state.find(':'));
    take(section, "state_dir", gateway.state_dir,
         [&](const Place& at) { return values_.text(at); });
    if (gateway.state_dir.empty()) {
        report_.error(*section.find("state_dir"), "must not be empty");
    }
}

void Loader::read_log(const Place& place) {
    static constexpr std::pair<std::string_view, const char*> kLevels[] = {{"trace", "trace"},
                                                                           {"debug", "debug"},
                                                                           {"info", "info"},
                                                                           {"warn", "warn"},
                                                                           {"error", "error"}};
    static constexpr std::pair<std::string_view, const char*> kFormats[] = {
        {"auto", "auto"}, {"text", "text"}, {"json", "json"}};
    const Section section(report_, place, "log");
    take(section, "level", config_.log.level,
         [&](const Place& at) { return values_.choice(at, kLevels); });
    take(section, "format", config_.log.format,
         [&](const Place& at) { return values_.choice(at, kFormats); });
}

void Loader::read_http(const Place& place) {
    const Section section(report_, place, "http");
    const auto* listen = section.find("listen");
    if (listen == nullptr) {
        return;
    }
    if (listen->node->text == "off") {
        config_.http.enabled = false;
    } else if (const auto endpoint = values_.listen(*listen)) {
        config_.http.host = endpoint->host;
        config_.http.port = endpoint->port;
    }
}

void Loader::read_mqtt(const Place& place) {
    static constexpr Scheme kSchemes[] = {{"mqtt", 1883}, {"mqtts", 8883}};
    static constexpr std::pair<std::string_view, int> kVersions[] = {{"5", 5}, {"3.1.1", 3}};
    const Section section(report_, place, "mqtt");
    auto& mqtt = config_.mqtt;
    mqtt.client_id = "hi6gw-" + config_.gateway.id;
    const auto* url = section.find("url");
    bool plain = url == nullptr;
    if (url != nullptr) {
        if (const auto endpoint = values_.url(*url, kSchemes)) {
            plain = endpoint->scheme == "mqtt";
            mqtt.tls_enabled = endpoint->scheme == "mqtts";
            mqtt.host = endpoint->host;
            mqtt.port = endpoint->port;
        }
    }
    take(section, "version", mqtt.version,
         [&](const Place& at) { return values_.choice(at, kVersions); });
    take_text(section, "client_id", mqtt.client_id);
    if (mqtt.client_id.empty() || mqtt.client_id.size() > 256 ||
        mqtt::has_control_character(mqtt.client_id)) {
        const auto* given = section.find("client_id");
        report_.error(given != nullptr ? *given : place,
                      "must have 1 to 256 bytes and no control characters");
    }
    take_text(section, "username", mqtt.username);
    take(section, "keep_alive", mqtt.keep_alive, [&](const Place& at) {
        auto value = values_.duration(at, {1s, 18h});
        if (value && *value % 1s != 0ms) {
            report_.error(at, Values::quoted(at) + " is not allowed; whole seconds are");
        }
        return value ? std::optional(std::chrono::floor<std::chrono::seconds>(*value))
                     : std::nullopt;
    });
    take(section, "window", mqtt.window,
         [&](const Place& at) { return values_.integer(at, 1, 10'000); });
    read_password(section);
    if (const auto* tls = section.find("tls")) {
        read_tls(*tls);
        if (plain && tls->node->kind == YamlTree::Kind::map) {
            report_.warning(*tls, "has no effect with mqtt://; use mqtts:// in mqtt.url");
        }
    }
}

void Loader::read_password(const Section& section) {
    const auto* inline_text = section.find("password");
    const auto* file = section.find("password_file");
    if (inline_text != nullptr && file != nullptr) {
        report_.error(*file, "only one of password and password_file is allowed");
        return;
    }
    if (inline_text != nullptr) {
        config_.mqtt.password = Secret(values_.bytes(*inline_text).value_or(""));
        const std::string exposed = exposure(file_, file_.string());
        if (!Values::has_variable(*inline_text) && !exposed.empty()) {
            report_.warning(*inline_text,
                            "holds a secret, and " + exposed + "; or use password_file");
        }
    } else if (file != nullptr) {
        if (const auto path = values_.text(*file)) {
            read_password_file(file, beside(*path));
        }
    } else if (const auto directory = environment_.variable("CREDENTIALS_DIRECTORY")) {
        const auto credential = fs::path(*directory) / "mqtt-password";
        std::error_code error;
        if (!directory->empty() && fs::exists(credential, error)) {
            const auto here = section.place().missing("password_file");
            read_password_file(&here, credential);
        }
        return;
    }
    const auto* given = inline_text != nullptr ? inline_text : file;
    if (given != nullptr && config_.mqtt.username.empty()) {
        report_.warning(*given, "a password without username is refused by MQTT 3.1.1 brokers");
    }
}

void Loader::read_password_file(const Place* place, const fs::path& file) {
    const auto text_or_fault = read_file(file, kMaxPasswordBytes, FileKind::regular);
    if (!text_or_fault) {
        report_.error(*place, named(*place, file) + " " + text_or_fault.error().what);
        return;
    }
    std::string text = *text_or_fault;
    if (text.ends_with('\n')) {
        text.pop_back();
    }
    if (text.ends_with('\r')) {
        text.pop_back();
    }
    if (text.empty()) {
        report_.error(*place, "the file is empty; it must hold the password");
    }
    if (place->node->kind == YamlTree::Kind::scalar) {  // not a credential, which systemd protects
        warn_of_exposure(*place, file);
    }
    config_.mqtt.password = Secret(std::move(text));
    config_.mqtt.password_file = file.string();
}

void Loader::read_tls(const Place& place) {
    const Section section(report_, place, "mqtt.tls");
    auto& tls = config_.mqtt.tls;
    take_path(section, "ca_file", tls.ca_file);
    take_path(section, "cert_file", tls.cert_file);
    take_path(section, "key_file", tls.key_file);
    take(section, "server_name", tls.server_name,
         [&](const Place& at) { return values_.host(at); });
    if ((section.find("cert_file") != nullptr) != (section.find("key_file") != nullptr)) {
        report_.error(place, "cert_file and key_file are only useful together");
    } else if (config_.mqtt.tls_enabled) {
        check_tls_files(section);
    }
}

void Loader::check_tls_files(const Section& section) {
    const auto& tls = config_.mqtt.tls;
    const auto contents = mqtt::inspect(
        {.ca_file = tls.ca_file, .cert_file = tls.cert_file, .key_file = tls.key_file});
    for (const auto& fault : contents.faults) {
        if (const auto* place = section.find(mqtt::key_of(fault.file))) {
            const auto& path = fault.file == mqtt::TlsFile::ca     ? tls.ca_file
                               : fault.file == mqtt::TlsFile::cert ? tls.cert_file
                                                                   : tls.key_file;
            report_.error(*place, named(*place, path) + " " + fault.what);
        }
    }
    const auto now = std::chrono::floor<std::chrono::seconds>(Wall::now());
    for (const auto& [file, certificate] : mqtt::watched(contents)) {
        const auto* place = section.find(mqtt::key_of(file));
        if (place != nullptr &&
            mqtt::mark_of(certificate.not_after, now) != mqtt::ExpiryMark::none) {
            report_.warning(*place, "the certificate " + mqtt::expiry_text(certificate, now));
        }
    }
    if (const auto* place = section.find("key_file")) {
        warn_of_exposure(*place, tls.key_file);
    }
}

void Loader::read_prefix(const Section& section) {
    take_text(section, "prefix", config_.topics.prefix);
    const auto& prefix = config_.topics.prefix;
    const auto fault = mqtt::topic_fault(prefix);
    if (fault || prefix.find_first_of("{}") != std::string::npos) {
        report_.error(*section.find("prefix"),
                      fault.value_or("is text without braces; {placeholders} are for the others"));
    }
}

void Loader::read_commands(const Place& place) {
    static constexpr std::pair<std::string_view, CommandMode> kModes[] = {
        {"enabled", CommandMode::enabled},
        {"dry_run", CommandMode::dry_run},
        {"disabled", CommandMode::disabled}};
    const Section section(report_, place, "commands");
    take(section, "mode", config_.commands.mode,
         [&](const Place& at) { return values_.choice(at, kModes); });
    take(section, "ttl", config_.commands.ttl,
         [&](const Place& at) { return values_.duration(at, {10ms, 1h}); });
}

void Loader::read_events(const Place& place) {
    const Section section(report_, place, "events");
    take(section, "max_size", config_.events.max_size,
         [&](const Place& at) { return values_.size(at, {kMebibyte, 1024 * 1024 * kMebibyte}); });
    take(section, "max_age", config_.events.max_age,
         [&](const Place& at) { return values_.duration(at, {1min, 8760h}); });
    take(section, "commit", config_.events.commit,
         [&](const Place& at) { return values_.duration(at, {1ms, 1s}); });
}

void Loader::read_controllers(const Place& list) {
    if (list.node->kind != YamlTree::Kind::sequence || list.node->children.empty()) {
        report_.error(list, "must be a list of at least one controller");
        return;
    }
    for (std::size_t at = 0; at < list.node->children.size(); ++at) {
        read_controller(list.element(at));
    }
}

void Loader::read_controller(const Place& place) {
    const Section section(report_, place, kControllerSection);
    if (place.node->kind != YamlTree::Kind::map) {
        if (place.node->kind == YamlTree::Kind::null) {
            report_.error(place, "is empty; name and url are needed");
        }
        return;
    }
    auto& controller = config_.controllers.emplace_back();
    read_identity(section, controller);
    read_transfer(section, controller);
    read_signals(section, controller);
}

void Loader::read_identity(const Section& section, Controller& controller) {
    const auto unique = [&](std::map<std::string, std::string>& known, const std::string& what,
                            const Place& place, const std::string& text) {
        const auto [earlier, added] = known.emplace(what, place.position());
        if (!added) {
            report_.error(place, text + earlier->second);
        }
    };
    if (const auto* name = section.find("name")) {
        if (auto text = values_.identifier(*name)) {
            controller.name = *std::move(text);
            unique(controller_names_, controller.name, *name,
                   "duplicate controller name; the first one is at ");
        }
    } else {
        report_.error(section.place().missing("name"), "is missing");
    }
    if (const auto* url = section.find("url")) {
        if (auto endpoint = values_.url(*url, kControllerSchemes)) {
            controller.host = std::move(endpoint->host);
            controller.port = endpoint->port;
            unique(controller_hosts_, controller.host + " " + std::to_string(controller.port), *url,
                   "a controller gets one connection only, and this one is already used at ");
        }
    } else {
        report_.error(section.place().missing("url"),
                      "is missing; such as http://192.168.1.150:8888");
    }
}

void Loader::read_transfer(const Section& section, Controller& controller) {
    static constexpr std::pair<std::string_view, BlockMode> kBlockModes[] = {
        {"auto", BlockMode::automatic}, {"on", BlockMode::on}, {"off", BlockMode::off}};
    static constexpr std::pair<std::string_view, hi6::IndexUnit> kUnits[] = {
        {"byte", hi6::IndexUnit::byte}, {"element", hi6::IndexUnit::element}};
    take(section, "system_version", controller.system_version,
         [&](const Place& at) -> std::optional<std::string> {
             auto text = values_.text(at);
             if (text && text->empty()) {  // would be no check at all
                 report_.error(at, "must not be empty");
                 return std::nullopt;
             }
             return text;
         });
    take(section, "timeout", controller.timeout,
         [&](const Place& at) { return values_.duration(at, {10ms, 1min}); });
    take(section, "max_load", controller.max_load,
         [&](const Place& at) { return values_.percentage(at); });
    take(section, "block_read", controller.block_read,
         [&](const Place& at) { return values_.choice(at, kBlockModes); });
    take(section, "index_unit", controller.index_unit,
         [&](const Place& at) { return values_.choice(at, kUnits); });
    take(section, "max_block", controller.max_block_words,
         [&](const Place& at) { return values_.integer(at, 1, 250); });
}

void Loader::read_signals(const Section& section, Controller& controller) {
    SignalScope scope(controller);
    const auto* map = section.find("signal_map");
    const auto* list = section.find("signals");
    if (map != nullptr) {
        if (auto* document = open_map(*map); document != nullptr && document->good) {
            signals_.read_list({&document->file, &document->tree.root(), nullptr, {}, 0}, scope);
        }
    }
    if (list != nullptr && list->node->kind != YamlTree::Kind::null) {
        signals_.read_list(*list, scope);
    }
    signals_.finish(scope);
    if (map == nullptr && list == nullptr) {
        report_.warning(section.place().missing("signals"), "is missing; nothing will be read");
    }
    origins_.push_back(std::move(scope.origins));
}

// The document of a signal_map, read once however many controllers name it; nullptr: no path.
Document* Loader::open_map(const Place& place) {
    const auto text = values_.text(place);
    if (!text) {
        return nullptr;
    }
    auto& document = maps_[beside(*text).string()];
    if (!document) {
        document = std::make_unique<Document>();
        document->file = beside(*text).string();
        if (const auto yaml = read_file(document->file, kMaxFileBytes, FileKind::regular)) {
            parse(*document, *yaml);
        } else {
            report_.error(place, named(place, document->file) + " " + yaml.error().what);
        }
    }
    return document.get();
}

}  // namespace

Environment process_environment() {
    char name[256] = {};
    if (::gethostname(name, sizeof name - 1) != 0) {
        name[0] = '\0';
    }
    return {[](const std::string& variable) -> std::optional<std::string> {
                // Nobody here changes the environment.
                // NOLINTNEXTLINE(concurrency-mt-unsafe)
                const char* value = std::getenv(variable.c_str());
                return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
            },
            name};
}

Loaded load(const fs::path& file, const Environment& environment) {
    return Loader(environment).run(file);
}

Loaded load_text(std::string_view yaml, const fs::path& file, const Environment& environment) {
    return Loader(environment).run(file, yaml);
}

}  // namespace hi6gw::config
