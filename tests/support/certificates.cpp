#include "support/certificates.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <functional>
#include <stdexcept>

namespace hi6gw::test {
namespace {

using Key = std::shared_ptr<EVP_PKEY>;
using CertificatePtr = std::shared_ptr<X509>;

void must(bool good, const char* what) {
    if (!good) {
        throw std::runtime_error(std::string("OpenSSL: ") + what);
    }
}

Key new_key(bool weak = false) {
    constexpr std::size_t kWeakBits = 1024;
    Key key(weak ? EVP_RSA_gen(kWeakBits) : EVP_EC_gen("P-256"), EVP_PKEY_free);
    must(key != nullptr, "key");
    return key;
}

std::string written(const std::function<int(BIO*)>& write) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), BIO_free);
    must(write(out.get()) == 1, "write");
    char* data = nullptr;
    const long size = BIO_get_mem_data(out.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

std::string pem(EVP_PKEY* key) {
    return written([&](BIO* out) {
        return PEM_write_bio_PKCS8PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
    });
}

void add_extension(X509* certificate, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
        X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()), X509_EXTENSION_free);
    must(extension && X509_add_ext(certificate, extension.get(), -1) == 1, value.c_str());
}

void set_name(X509_NAME* name, const std::string& common_name) {
    const auto* const bytes = reinterpret_cast<const unsigned char*>(common_name.data());
    must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, bytes,
                                    static_cast<int>(common_name.size()), -1, 0) == 1,
         "name");
}

struct Signer {
    std::string name;
    EVP_PKEY* key;
};

std::string certificate(const CertificateOptions& options, EVP_PKEY* key, const Signer& signer,
                        bool authority) {
    const CertificatePtr made(X509_new(), X509_free);
    X509_set_version(made.get(), 2);
    std::uint32_t serial = 0;
    RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(made.get()), serial);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), options.from.count());
    X509_gmtime_adj(X509_getm_notAfter(made.get()), options.until.count());
    set_name(X509_get_subject_name(made.get()), options.name);
    set_name(X509_get_issuer_name(made.get()), signer.name);
    X509_set_pubkey(made.get(), key);
    if (authority) {
        add_extension(made.get(), NID_basic_constraints, "critical,CA:TRUE");
    }
    std::string names;
    for (const std::string& name : options.subject_names) {
        names += (names.empty() ? "" : ",") + name;
    }
    if (!authority && !names.empty()) {
        add_extension(made.get(), NID_subject_alt_name, names);
    }
    must(X509_sign(made.get(), signer.key, EVP_sha256()) > 0, "sign");
    return written([&](BIO* out) { return PEM_write_bio_X509(out, made.get()); });
}

}  // namespace

Authority::Authority(std::string name, std::chrono::seconds until)
    : name_(std::move(name)), key_(new_key()) {
    CertificateOptions options;
    options.name = name_;
    options.until = until;
    certificate_ = test::certificate(options, key_.get(), {.name = name_, .key = key_.get()}, true);
}

Credentials Authority::issue(const CertificateOptions& options) const {
    const Key key = new_key(options.weak);
    return {.certificate =
                test::certificate(options, key.get(), {.name = name_, .key = key_.get()}, false),
            .key = pem(key.get())};
}

Credentials self_signed(const CertificateOptions& options) {
    const Key key = new_key();
    return {.certificate =
                certificate(options, key.get(), {.name = options.name, .key = key.get()}, false),
            .key = pem(key.get())};
}

std::string encrypted(const std::string& key, const std::string& passphrase) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> in(
        BIO_new_mem_buf(key.data(), static_cast<int>(key.size())), BIO_free);
    const Key read(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
    return written([&](BIO* out) {
        return PEM_write_bio_PKCS8PrivateKey(out, read.get(), EVP_aes_256_cbc(), passphrase.data(),
                                             static_cast<int>(passphrase.size()), nullptr, nullptr);
    });
}

std::string der(const std::string& certificate) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> in(
        BIO_new_mem_buf(certificate.data(), static_cast<int>(certificate.size())), BIO_free);
    const CertificatePtr read(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr), X509_free);
    return written([&](BIO* out) { return i2d_X509_bio(out, read.get()); });
}

}  // namespace hi6gw::test
