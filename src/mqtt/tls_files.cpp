#include "mqtt/tls_files.h"

#include "base/file.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>

namespace hi6gw::mqtt {
namespace {

constexpr std::size_t kMostBytes = std::size_t{4} << 20U;  // all of Debian's authorities are 0.2 MB

struct Free {
    void operator()(BIO* bio) const { BIO_free(bio); }
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(X509* certificate) const { X509_free(certificate); }
};

// Without it OpenSSL would ask for the passphrase on the terminal, and wait.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*context*/) {
    return -1;
}

std::unique_ptr<BIO, Free> reader(std::string_view text) {
    return std::unique_ptr<BIO, Free>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// DER begins with the tag of a sequence and a length of two bytes.
bool looks_like_der(std::string_view bytes) {
    return bytes.starts_with("\x30\x82");
}

class Inspector {
  public:
    explicit Inspector(const TlsFiles& files) : files_(files) {}

    TlsContents run() {
        if (!files_.ca_file.empty()) {
            const std::string text = read(TlsFile::ca);
            contents_.authorities = certificates(TlsFile::ca, text);
        }
        if (!files_.cert_file.empty()) {
            const std::string text = read(TlsFile::cert);
            contents_.own = certificates(TlsFile::cert, text);
            std::string key = read(TlsFile::key);
            check_key(text, key);
            OPENSSL_cleanse(key.data(), key.size());
        }
        return std::move(contents_);
    }

  private:
    void fault(TlsFile file, std::string what) {
        contents_.faults.push_back({.file = file, .what = std::move(what)});
    }
    [[nodiscard]] bool good(TlsFile file) const {
        return std::none_of(contents_.faults.begin(), contents_.faults.end(),
                            [file](const TlsFileFault& each) { return each.file == file; });
    }

    std::string read(TlsFile file) {
        Result<std::string> bytes = read_file(path_of(files_, file), kMostBytes, FileKind::regular);
        if (!bytes) {
            fault(file, bytes.error().what);
            contents_.digest += bytes.error().what;
            return {};
        }
        add(*bytes);
        return *std::move(bytes);
    }

    std::vector<Certificate> certificates(TlsFile file, const std::string& text) {
        std::vector<Certificate> out;
        if (!good(file)) {
            return out;
        }
        out = read_certificates(text);
        if (out.empty()) {
            const bool marked = text.find("-----BEGIN") != std::string::npos;
            fault(file, looks_like_der(text)
                            ? "is in DER format; PEM is needed (openssl x509 -inform DER)"
                        : marked ? "holds a damaged certificate, or something else"
                                 : "holds no certificate in PEM format");
        }
        return out;
    }

    void check_key(const std::string& certificate_text, const std::string& key_text) {
        if (!good(TlsFile::key)) {
            return;
        }
        const auto in = reader(key_text);
        const std::unique_ptr<EVP_PKEY, Free> key(
            PEM_read_bio_PrivateKey(in.get(), nullptr, no_passphrase, nullptr));
        ERR_clear_error();
        if (!key) {
            const bool encrypted = key_text.find("ENCRYPTED") != std::string::npos;
            fault(TlsFile::key, encrypted
                                    ? "needs a passphrase; one without is needed (openssl pkey)"
                                    : "holds no private key in PEM format");
            return;
        }
        if (!good(TlsFile::cert)) {
            return;
        }
        const auto certificate_in = reader(certificate_text);
        const std::unique_ptr<X509, Free> certificate(
            PEM_read_bio_X509_AUX(certificate_in.get(), nullptr, nullptr, nullptr));
        if (X509_check_private_key(certificate.get(), key.get()) != 1) {
            fault(TlsFile::key, "does not belong to the certificate in cert_file");
        }
        ERR_clear_error();
    }

    void add(const std::string& bytes) {
        std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
        unsigned size = 0;
        EVP_Digest(bytes.data(), bytes.size(), hash.data(), &size, EVP_sha256(), nullptr);
        contents_.digest.append(reinterpret_cast<const char*>(hash.data()), size);
    }

    const TlsFiles& files_;
    TlsContents contents_;
};

}  // namespace

const char* key_of(TlsFile file) {
    return file == TlsFile::ca ? "ca_file" : file == TlsFile::cert ? "cert_file" : "key_file";
}

const std::string& path_of(const TlsFiles& files, TlsFile file) {
    return file == TlsFile::ca     ? files.ca_file
           : file == TlsFile::cert ? files.cert_file
                                   : files.key_file;
}

std::string to_string(const TlsFileFault& fault, const TlsFiles& files) {
    return std::string(key_of(fault.file)) + " \"" + path_of(files, fault.file) + "\" " +
           fault.what;
}

TlsContents inspect(const TlsFiles& files) {
    return Inspector(files).run();
}

std::string stamp(const TlsFiles& files) {
    std::string out;
    for (const TlsFile file : {TlsFile::ca, TlsFile::cert, TlsFile::key}) {
        struct stat info{};
        if (::stat(path_of(files, file).c_str(), &info) == 0) {
            for (const std::int64_t part :
                 {static_cast<std::int64_t>(info.st_dev), static_cast<std::int64_t>(info.st_ino),
                  info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec, info.st_ctim.tv_sec,
                  info.st_ctim.tv_nsec}) {
                out += std::to_string(part) + ' ';
            }
        }
        out += '\n';
    }
    return out;
}

}  // namespace hi6gw::mqtt
